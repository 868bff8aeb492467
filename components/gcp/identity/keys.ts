import { CryptoKey } from "@pulumi/gcp/kms/cryptoKey";
import type { CryptoKeyArgs } from "@pulumi/gcp/kms/cryptoKey";
import { CryptoKeyIAMMember } from "@pulumi/gcp/kms/cryptoKeyIAMMember";
import { KeyRing } from "@pulumi/gcp/kms/keyRing";
import type { KeyRingArgs } from "@pulumi/gcp/kms/keyRing";
import { all, ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Output } from "@pulumi/pulumi";

import { childOptions } from "../child-options";
import type { GcpConfig } from "../config/gcp-config";
import { labelsOf } from "../labels";
import type { KeyPurpose, ServiceAgents } from "./service-agents";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

/** 90 days, the longest that CIS 1.10 admits. What was encrypted before stays readable: old versions are kept. */
const ROTATION_PERIOD = "7776000s";
/** 30 days in which an order to destroy a version can be taken back. */
const DESTROY_DELAY = "2592000s";

export interface KeysArgs {
  /** Pulumi stack. */
  readonly stack: string;
  /** A database, a disk or a regional secret takes keys of its own region only. */
  readonly region: string;
  readonly agents: ServiceAgents;
  /** A key each, about 0.06 USD a month and version. */
  readonly purposes: readonly KeyPurpose[];
  /** Refuses to destroy keys. A destroyed key is data lost for good, backups and snapshots included. */
  readonly deletionProtection: boolean;
  readonly transform?: { readonly keyRing?: Transform<KeyRingArgs>; readonly key?: Transform<CryptoKeyArgs> };
}

/** What a stack's own keys are for, by what is on. None without `encryption.customerManagedKeys`. */
export function keyPurposes(config: Pick<GcpConfig, "encryption" | "redis" | "clickhouse" | "reach" | "services">): KeyPurpose[] {
  if (!config.encryption.customerManagedKeys) return [];
  const purposes: KeyPurpose[] = ["sql", "secrets", "topics"];
  if (config.redis !== null) purposes.push("redis");
  if (Object.keys(config.services).length > 0 || config.reach.transport === "job") purposes.push("services");
  if (config.clickhouse !== null || config.reach.transport === "tunnel") purposes.push("disks");
  return purposes;
}

/**
 * Keys of one's own in Cloud KMS: a ring, a key a purpose, and for each key the right to use it for the one service agent that encrypts with it.
 * A ring's name is taken for ever, even when the ring is gone from the state; hence Pulumi's autonames.
 */
export class Keys extends ComponentResource {
  readonly keyRing: KeyRing;
  readonly #ids = new Map<KeyPurpose, Output<string>>();

  constructor(name: string, args: KeysArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Keys", name, {}, options);
    const child = childOptions(this, options, { protect: args.deletionProtection });
    this.keyRing = new KeyRing(name, applyTransform<KeyRingArgs>({ location: args.region }, args.transform?.keyRing), child);
    for (const purpose of args.purposes) {
      const agent = args.agents.members[purpose];
      if (agent === undefined) throw new Error(`no service agent for the key of ${purpose}: give ServiceAgents the same purposes`);
      const key = new CryptoKey(`${name}-${purpose}`, applyTransform(keyArgs(args, this.keyRing.id), args.transform?.key), child);
      const grant = new CryptoKeyIAMMember(`${name}-${purpose}`, { cryptoKeyId: key.id, role: "roles/cloudkms.cryptoKeyEncrypterDecrypter", member: agent }, childOptions(this, options));
      // With the grant's id, so that nothing is encrypted before the agent may, and the right outlives what needs it.
      this.#ids.set(purpose, all([key.id, grant.id]).apply(([id]) => id));
    }
    this.registerOutputs({ keyRing: this.keyRing.id });
  }

  /**
   * The key for a purpose, usable by its service agent.
   *
   * @throws Error where the purpose was not among the arguments
   */
  id(purpose: KeyPurpose): Output<string> {
    const id = this.#ids.get(purpose);
    if (id === undefined) throw new Error(`there is no key for ${purpose}`);
    return id;
  }
}

function keyArgs({ stack }: KeysArgs, keyRing: Output<string>): CryptoKeyArgs {
  return {
    keyRing,
    purpose: "ENCRYPT_DECRYPT",
    rotationPeriod: ROTATION_PERIOD,
    destroyScheduledDuration: DESTROY_DELAY,
    versionTemplate: { algorithm: "GOOGLE_SYMMETRIC_ENCRYPTION", protectionLevel: "SOFTWARE" },
    labels: labelsOf(stack),
  };
}

import { createHash } from "node:crypto";

import { ComponentResource, log, Stash } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Output } from "@pulumi/pulumi";

import type { Catalog } from "../manager/src/catalog/catalog";
import type { CompartmentPlan, TierPlan } from "../manager/src/plan/plan";
import { SECRET_LOGINS } from "../manager/src/secrets/secret";
import type { SecretLogin } from "../manager/src/secrets/secret";
import { setupHook, tierUnusable, valueOf } from "./hook";
import type { TierAccess } from "./tier";

/** What a compartment is made from: plain values, and outputs for what is known only when there is a server. */
export interface CompartmentArgs {
  /** The whole plan: provisioning looks at the others' roles too, to find what they may do here. */
  readonly plan: TierPlan;
  /** This compartment's part of it. */
  readonly compartment: CompartmentPlan;
  readonly catalog: Catalog;
  /** Fingerprint of the schema's files. */
  readonly schema: string;
  /** Folder that the source's paths are relative to. */
  readonly root: string;
  /** The way into the tier; null or unknown in a preview before there is one. */
  readonly access: Output<TierAccess | null>;
  /** That of the last setup if the server is as it left it, else a new one. */
  readonly token: Output<string>;
}

/** What other Pulumi programs learn of a compartment, by StackReference; the secrets by reference only. */
export interface CompartmentOutputs {
  readonly database: string;
  readonly host: Output<string | undefined>;
  readonly port: Output<number | undefined>;
  readonly roles: CompartmentPlan["roles"];
  readonly secrets: Output<Readonly<Record<SecretLogin, string>> | undefined>;
}

/**
 * One service's compartment: its roles, database, secrets and schema, made by a hook of the anchor. The hook runs *before* the anchor is
 * created or updated, so that a setup that failed is not in the state and the next `up` runs it again.
 */
export class Compartment extends ComponentResource {
  /** What the stack exports for the service. */
  readonly outputs: CompartmentOutputs;
  /** Fingerprint of all that the setup was made from. */
  readonly fingerprint: Output<string>;

  constructor(name: string, args: CompartmentArgs, options?: ComponentResourceOptions) {
    super("bulkhead:index:Compartment", name, {}, options);
    const { compartment, access } = args;
    const setUp = setupHook(`${name}-setup`, `setting up the compartment of ${name}`, (signal) => this.setUp(args, signal));
    const anchor = new Stash(
      `${name}-setup`,
      {
        input: {
          plan: createHash("sha256").update(JSON.stringify([args.plan.tier, compartment])).digest("hex"),
          schema: args.schema,
          server: access.apply((way) => way?.identity ?? null),
          token: args.token,
        },
      },
      { parent: this, hooks: { beforeCreate: [setUp], beforeUpdate: [setUp] } },
    );
    // Stash keeps its first output for good; the input is what is true now.
    this.fingerprint = anchor.input.apply((input: unknown) => createHash("sha256").update(JSON.stringify(input)).digest("hex"));
    this.outputs = {
      database: compartment.database.name,
      host: access.apply((way) => way?.endpoint.host),
      port: access.apply((way) => way?.endpoint.port),
      roles: compartment.roles,
      secrets: access.apply((way) => (way === null ? undefined : secretReferences(name, way))),
    };
    this.registerOutputs({ ...this.outputs });
  }

  private async setUp({ catalog, plan, compartment: { service }, root, ...args }: CompartmentArgs, signal: AbortSignal): Promise<void> {
    // Known by now: the anchor's input was made from both.
    const [access, token] = await Promise.all([valueOf(args.access), valueOf(args.token)]);
    if (access === null) throw tierUnusable();
    const progress = (line: string): void => void log.info(line, this);
    await access.operations.setUp({ catalog, plan, root, service, token, progress, signal });
  }
}

function secretReferences(service: string, { secrets }: TierAccess): Record<SecretLogin, string> {
  return Object.fromEntries(SECRET_LOGINS.map((login) => [login, secrets.reference({ service, login })])) as Record<SecretLogin, string>;
}

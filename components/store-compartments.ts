import { createHash } from "node:crypto";

import { ComponentResource, log, Stash } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Output } from "@pulumi/pulumi";

import type { StoreKind } from "../manager/src/stores/store-secret";
import { setupHook, tierUnusable, valueOf } from "./hook";
import type { TierAccess } from "./tier";

/** What the compartments in a store are made from. */
export interface StoreCompartmentsArgs {
  readonly kind: StoreKind;
  /** Services that ask for it. */
  readonly services: readonly string[];
  /** The way into the tier; null or unknown in a preview before there is one. */
  readonly access: Output<TierAccess | null>;
  /** That of the last setup if the store is as it left it, else a new one; always the same for a store that is absent. */
  readonly token: Output<string>;
}

/**
 * The compartments of all services in Redis, or in ClickHouse: users, limits and secrets, made by a hook of the anchor as in a `Compartment`. One anchor a store, since its users
 * stand in one file.
 */
export class StoreCompartments extends ComponentResource {
  /** Fingerprint of all that the setup was made from. */
  readonly fingerprint: Output<string>;

  constructor(name: string, args: StoreCompartmentsArgs, options?: ComponentResourceOptions) {
    super("bulkhead:index:StoreCompartments", name, {}, options);
    const { services, access, token } = args;
    const setUp = setupHook(`${name}-setup`, `setting up ${name}`, (signal) => this.setUp(args, signal));
    const anchor = new Stash(`${name}-setup`, { input: { services, server: access.apply((way) => way?.identity ?? null), token } }, { parent: this, hooks: { beforeCreate: [setUp], beforeUpdate: [setUp] } });
    // Stash keeps its first output for good; the input is what is true now.
    this.fingerprint = anchor.input.apply((input: unknown) => createHash("sha256").update(JSON.stringify(input)).digest("hex"));
    this.registerOutputs({});
  }

  private async setUp({ kind, ...args }: StoreCompartmentsArgs, signal: AbortSignal): Promise<void> {
    // Known by now: the anchor's input was made from both.
    const [access, token] = await Promise.all([valueOf(args.access), valueOf(args.token)]);
    const store = access?.stores.find((candidate) => candidate.kind === kind);
    if (store === undefined) throw tierUnusable();
    // Told by the program; the services that want it are degraded, and nothing else fails for it.
    if (store.absence !== null) return;
    for (const line of await store.setUp(token, signal)) void log.info(line, this);
  }
}

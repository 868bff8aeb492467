import type { Resource } from "@pulumi/pulumi";
import type { Client } from "pg";

import type { TierFacts } from "../manager/src/plan/plan";
import type { DatabaseSecret, Endpoint, SecretStore } from "../manager/src/secrets/secret";
import type { StackConfig } from "./stack-config";

/** Which tier: what every part of a target is told. */
export interface TierContext {
  /** Pulumi stack, e.g. `dev`. */
  readonly stack: string;
  /** Root of the checkout, absolute. */
  readonly root: string;
  readonly config: StackConfig;
  /** A line for a person while something takes its time. */
  readonly progress: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** A way into a running tier, for the setup hooks and for the command line. Holds no open connection. */
export interface TierAccess {
  /** What a plan is made for. */
  readonly facts: TierFacts;
  /** Changes when the server's data are others than before: part of every anchor's input. */
  readonly identity: string;
  readonly endpoint: Endpoint;
  /** The admin's own login, for `conn --admin`. */
  readonly admin: DatabaseSecret;
  readonly secrets: SecretStore;
  /** e.g. `17.10`. */
  readonly serverVersion: string;
  /** Opens a session of the admin; the caller closes it. */
  readonly openSession: (database: string) => Promise<Client>;
}

/** What there is to say about a tier without a connection. */
export interface TierStatus {
  readonly running: boolean;
  /** Why it does not run; undefined when it does. */
  readonly reason: string | undefined;
  readonly version: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
}

/** The tier as resources of the program. */
export interface Tier {
  /** Compartments depend on it. */
  readonly resource: Resource;
  /** The way in; null in a preview of a tier that does not exist yet. */
  readonly access: TierAccess | null;
}

/** What a folder of `components/` exports as `target`: the contract that all targets fulfil. */
export interface Target {
  /** Facts for a plan, known before the tier is. */
  facts(config: StackConfig): TierFacts;
  /** Makes the tier's resources; in a preview nothing is made. */
  createTier(context: TierContext): Promise<Tier>;
  /**
   * The way into the tier as it is now.
   * @throws BulkheadError `TIER_NOT_RUNNING`
   */
  openAccess(context: TierContext): Promise<TierAccess>;
  status(context: TierContext): Promise<TierStatus>;
  /** Stops what runs on this machine, and keeps all data. False when nothing ran. */
  stop(context: TierContext): Promise<boolean>;
  /** Removes what `pulumi destroy` does not: data, secrets and logs on this machine. Asks nobody; that is the caller's part. */
  remove(context: TierContext): Promise<void>;
}

import type { Output, Resource } from "@pulumi/pulumi";
import type { Client } from "pg";

import type { Catalog } from "../manager/src/catalog/catalog";
import type { TierFacts } from "../manager/src/plan/plan";
import type { DatabaseSecret, Endpoint, SecretStore } from "../manager/src/secrets/secret";
import type { TierOperations } from "../manager/src/setup/operations";
import type { Store, StoreSecretStore } from "../manager/src/stores/store";
import type { StoreKind } from "../manager/src/stores/store-secret";
import type { StackConfig } from "./stack-config";

/** Which tier: what every part of a target is told. */
export interface TierContext {
  /** Pulumi stack, e.g. `dev`. */
  readonly stack: string;
  /** Root of the checkout, absolute. */
  readonly root: string;
  readonly config: StackConfig;
  /** The catalog of services.ts, loaded at the first call: a broken one must not keep `doctor` or `down` from working. */
  readonly catalog: () => Catalog;
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
  /** The services' logins in Redis and ClickHouse. */
  readonly storeSecrets: Pick<StoreSecretStore, "readStore">;
  /** e.g. `17.10`. */
  readonly serverVersion: string;
  /** Opens a session of the admin; the caller closes it. Throws where no session can reach from here (`REACH_NO_SESSION`). */
  readonly openSession: (database: string) => Promise<Client>;
  /** What `up`, `preview`, `status` and `validate` do with the tier, wherever that is done. */
  readonly operations: TierOperations;
  /** Redis and ClickHouse, where services ask for them and this target sets them up by sessions from here; also what is absent, with the reason. */
  readonly stores: readonly Store[];
}

/** Which log is asked for, and how much of it. */
export interface LogOptions {
  /** `postgres`, `redis`, `clickhouse`, or a service that the target runs. */
  readonly of: string;
  /** Whether to go on with what is logged from now on, until the context's signal. */
  readonly follow: boolean;
  /** How many of the last lines. */
  readonly lines: number;
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
  /** The way in, once there is a server. In a preview of a tier that does not exist yet it is null, or not known. */
  readonly access: Output<TierAccess | null>;
  /** Makes what runs on the tier, each service behind `after` it: its compartments; for targets that run services. Returns what the stack exports of them. */
  readonly runServices?: (after: (service: string) => readonly Resource[]) => Readonly<Record<string, unknown>>;
}

/** What a stack's own place for Pulumi's state looks like, for the message that asks for one. */
export interface StateBackendExample {
  /** e.g. `gs://<bucket>`. */
  readonly url: string;
  /** What encrypts the secrets in it, e.g. `gcpkms://…`. */
  readonly secretsProvider: string;
}

/** What a folder of `components/` exports as `target`: the contract that all targets fulfil. */
export interface Target {
  /**
   * Null where Pulumi's state may lie in the checkout, under the empty passphrase: nothing in it is secret. Else what to have instead, since
   * resources of this target bring secrets into the state.
   */
  readonly stateBackend: StateBackendExample | null;
  /** Whether the engine looks at each resource before it compares: for a target whose resources people remove by hand, and where looking is cheap. */
  readonly refresh: boolean;
  /** The stores that it sets up by an anchor each; on others the target's own resources do it. */
  readonly stores: readonly StoreKind[];
  /**
   * Facts for a plan, known before the tier is. Reads the whole of the target's configuration.
   * @throws BulkheadError `CONFIG_INVALID`
   */
  facts(config: StackConfig, catalog: Catalog): TierFacts;
  /** How strictly `policy/` judges a stack: `mandatory` stops `up`, `advisory` warns. Null: it has no rule for this target's resources. */
  policies(config: StackConfig): "mandatory" | "advisory" | null;
  /**
   * Loads what makes the tier's resources, and returns it; in a preview nothing is made by calling that. Two steps, since loading alone takes half a second for a cloud, in
   * which Pulumi's CLI can start.
   */
  loadTier(): (context: TierContext) => Promise<Tier>;
  /**
   * The way into the tier as it is now.
   * @throws BulkheadError `TIER_NOT_RUNNING`
   */
  openAccess(context: TierContext): Promise<TierAccess>;
  status(context: TierContext): Promise<TierStatus>;
  /**
   * Lines of a log, the oldest first.
   * @throws BulkheadError `LOG_UNKNOWN`, or `LOG_ELSEWHERE` with the command that shows it where the logs are not on this machine
   */
  logs(context: TierContext, options: LogOptions): AsyncIterable<string>;
  /** Starts again what `stop` stopped, for a target whose engine has to find it running; makes nothing that is not there. */
  start(context: TierContext): Promise<void>;
  /** Stops what runs on this machine, and keeps all data. False when nothing ran. */
  stop(context: TierContext): Promise<boolean>;
  /**
   * Asked before a stack is destroyed: the engine finds what is protected one by one, when the rest is gone already. Reads no other setting, so
   * that a faulty one keeps nobody from destroying a stack.
   * @throws BulkheadError `DESTROY_PROTECTED` with the line that lifts it
   */
  requireDestroyable(config: StackConfig): void;
  /** Removes what `pulumi destroy` does not: data, secrets and logs on this machine. Asks nobody; that is the caller's part. */
  remove(context: TierContext): Promise<void>;
}

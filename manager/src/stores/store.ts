import type { Evidence } from "../validate/report";
import type { StoreKind, StoreSecret } from "./store-secret";

/** What an observation of a store found. */
export interface StoreObservation {
  /** That of the last setup, if everything is as it left it; else null. */
  readonly token: string | null;
  /** What is not as it should be, as sentences; never a secret. */
  readonly findings: readonly string[];
}

/** What an anchor of the program looks at, and what its hook does. */
export interface StoreSetup {
  /** Changes nothing. */
  observe(signal?: AbortSignal): Promise<StoreObservation>;
  /** Makes what is not right, and leaves the token. Returns what was done, as sentences. Can be run again after any crash; two at once are kept apart by the stack's lock. */
  setUp(token: string, signal: AbortSignal): Promise<readonly string[]>;
}

/** Why a store cannot be used, and the one command that mends it. */
export interface StoreAbsence {
  readonly reason: string;
  readonly fix: string;
}

/** Redis or ClickHouse beside the database: a compartment in it for each service that asks for one. */
export interface Store extends StoreSetup {
  readonly kind: StoreKind;
  /** Services that ask for it, in the catalog's order. */
  readonly services: readonly string[];
  /** Null: it runs. Else the services that want it are degraded, and nothing is set up or tried. */
  readonly absence: StoreAbsence | null;
  /** Proves from the inside, with each service's own login, that it does what it must and gets at nothing else. Changes nothing of anybody's. */
  validate(signal?: AbortSignal): Promise<readonly Evidence[]>;
}

/** One store, as `up` and `status` tell of it. */
export interface StoreReport extends StoreObservation {
  readonly kind: StoreKind;
  readonly services: readonly string[];
  readonly absence: StoreAbsence | null;
}

/** A place that keeps the logins of stores, one a service and kind. Writes are atomic. */
export interface StoreSecretStore {
  /** The secret, or undefined when there is none that could be used (lost, empty, half-written). */
  readStore(service: string, kind: StoreKind): Promise<StoreSecret | undefined>;
  writeStore(service: string, kind: StoreKind, secret: StoreSecret): Promise<void>;
}

import type { Store, StoreAbsence } from "../../../manager/src/stores/store";
import type { StoreEndpoint, StoreKind } from "../../../manager/src/stores/store-secret";
import type { StopSteps } from "../processes/stop-process";
import type { Identities } from "../server/run-as";

/** A server's program on this machine. */
export interface StoreProgram {
  readonly program: string;
  /** Arguments in front of all others. */
  readonly args: readonly string[];
  /** As it says itself, e.g. `7.0.15`. */
  readonly version: string;
}

/** Where a server's files are, what it is, and where it listens. */
export interface StorePlace {
  /** Folder of its data, configuration and certificates (`server.crt`, `server.key`). Absolute. */
  readonly dataDirectory: string;
  readonly version: string;
  /** TLS port on 127.0.0.1 and ::1. */
  readonly port: number;
}

/** What tells Redis and ClickHouse apart when their servers are started and stopped on this machine. */
export interface StoreServer {
  readonly kind: StoreKind;
  /** For messages: `Redis`. */
  readonly title: string;
  /** Port of the very first start; a taken one is passed over for the next free one. */
  readonly preferredPort: number;
  /** From mild to hard. */
  readonly stopSteps: StopSteps;
  /** Whether a process of this name is the server; on Linux these are the first 15 characters. */
  readonly isServer: (processName: string) => boolean;
  /** Beside `PROGRAM_ENVIRONMENT`. */
  readonly environment: NodeJS.ProcessEnv;
  /** The program on this machine, or why there is none that could be used. */
  findProgram(signal: AbortSignal | undefined): Promise<StoreProgram | StoreAbsence>;
  /** Arguments of a start. */
  args(dataDirectory: string): readonly string[];
  /** Files of the data directory that the server reads at its start, by their path in it. Others than the running server's restart it. */
  configuration(place: StorePlace): ReadonlyMap<string, string>;
  /** Makes what the server does not start without and the setup changes later: its users. */
  prepareUsers(files: StoreFiles, endpoint: StoreEndpoint, identities: Identities): Promise<void>;
  /** Why a running server has to be restarted that looks right from outside; undefined: it has not. */
  whyUnfit(files: StoreFiles, signal: AbortSignal | undefined): Promise<string | undefined>;
  /** The store, whose server runs. */
  open(files: StoreFiles, endpoint: StoreEndpoint, services: readonly string[]): Store;
}

/** Where things are on this machine. */
export interface StoreFiles {
  readonly dataDirectory: string;
  /** Folder of the stack's secrets. */
  readonly secrets: string;
  readonly progress: (line: string) => void;
}

export function isAbsence(found: object): found is StoreAbsence {
  return "fix" in found;
}

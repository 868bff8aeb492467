import { join, resolve } from "node:path";

import type { StoreKind } from "../../../manager/src/stores/store-secret";
import type { LogPaths } from "../processes/server-log";

/** Where everything of one store of a stack is. */
export interface StorePaths extends LogPaths {
  /** `.bulkhead/<stack>`, absolute. */
  readonly stackDirectory: string;
  /** `.bulkhead/<stack>/<kind>`. */
  readonly directory: string;
  /** Data, configuration and certificates, as the server reads them: a folder, or a symbolic link where that is kept elsewhere. */
  readonly dataLink: string;
  /** Which process it is. */
  readonly process: string;
  /** The port of the last start, in digits. */
  readonly port: string;
  /** Version of the program of the last start. */
  readonly version: string;
  readonly lock: string;
}

export function storePaths(stackDirectory: string, kind: StoreKind): StorePaths {
  const stack = resolve(stackDirectory);
  const directory = join(stack, kind);
  return {
    stackDirectory: stack,
    directory,
    dataLink: join(directory, "data"),
    log: join(directory, "server.log"),
    oldLog: join(directory, "server.log.1"),
    process: join(directory, "process.json"),
    port: join(directory, "port"),
    version: join(directory, "version"),
    // Beside the folder, which is removed while it is held.
    lock: join(stack, `${kind}.lock`),
  };
}

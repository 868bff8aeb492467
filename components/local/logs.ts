import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import { STORE_KINDS } from "../../manager/src/stores/store-secret";
import type { LogOptions, TierContext } from "../tier";
import { stackDirectory } from "./access";
import type { LogPaths } from "./processes/server-log";
import { tailLog } from "./processes/tail-log";
import { serverPaths } from "./server/paths";
import { storePaths } from "./stores/store-paths";

/** What a server of this machine has logged. Services of their own do not run here. */
export function localLogs(context: TierContext, { of, follow, lines }: LogOptions): AsyncIterable<string> {
  return tailLog(logOf(stackDirectory(context), of), { follow, lines, signal: context.signal });
}

function logOf(directory: string, of: string): LogPaths {
  const kind = STORE_KINDS.find((candidate) => candidate === of);
  if (kind !== undefined) return storePaths(directory, kind);
  if (of === "postgres") return serverPaths(directory);
  throw new BulkheadError("LOG_UNKNOWN", `there is no log of ${JSON.stringify(of)} on this machine; there is: ${["postgres", ...STORE_KINDS].join(", ")}`, { hint: "the local target runs no services; what you start yourself logs where you started it" });
}

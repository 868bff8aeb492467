import { join } from "node:path";
import { ensureTls as ensureTlsFiles, readTls as readTlsFiles } from "../../certificates/tls-files";
import type { TlsFiles } from "../../certificates/tls-files";
import type { Owner } from "../../write-file";
import { writeFileAtomically } from "../../write-file";
import { withProcessLock } from "../process-lock";
import type { ServerPaths } from "./paths";

/** Under what the stack's servers are reached; `shared-postgres` is what Postgres is called among containers. */
const NAMES = { hostNames: ["localhost", "shared-postgres"], addresses: ["127.0.0.1", "::1"] };

/** Two keys and two signatures take a fraction of a second. */
const LOCK_WAIT_MS = 10_000;

/** Reads the stack's certificates: undefined where one is lost, does not fit the others, or runs out within 30 days. */
export function readTls({ tls }: Pick<ServerPaths, "tls">): TlsFiles | undefined {
  return readTlsFiles(tls, NAMES);
}

/** Reads the stack's certificates or makes new ones, of which all its servers, started side by side, must get the same. */
export async function ensureTls({ tls }: Pick<ServerPaths, "tls">, owner: Owner | undefined, progress: (line: string) => void, signal?: AbortSignal): Promise<TlsFiles> {
  const present = readTlsFiles(tls, NAMES);
  if (present !== undefined) return present;
  return withProcessLock(`${tls}.lock`, { waitMs: LOCK_WAIT_MS, label: "making certificates", signal }, () => ensureTlsFiles({ directory: tls, ...NAMES, owner, progress }));
}

/** Copies certificate and key to where the server reads them, belonging to it. */
export function installTls(dataDirectory: string, { certificate, key }: TlsFiles, owner: Owner | undefined): void {
  writeFileAtomically(join(dataDirectory, "server.key"), key, { mode: 0o600, owner });
  writeFileAtomically(join(dataDirectory, "server.crt"), certificate, { mode: 0o600, owner });
}

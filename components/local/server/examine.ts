import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { LOGIN_TIMEOUT_MS, tryAdminLogin } from "./admin-login";
import { adminSecret, isAdminSecretWritten, readAdminPassword, writeAdminSecret } from "./admin-secret";
import { pgHbaConf, postgresqlConf } from "./config";
import type { ServerSettings } from "./config";
import { readSystemIdentifier } from "./data-directory";
import type { ServerPaths } from "./paths";
import { dataDirectoryOf } from "./paths";
import { rememberPort } from "./port";
import { START_TIMEOUT_MS, runningPostmaster, startTimeout } from "./postmaster";
import { chooseIdentities } from "./run-as";
import { readTls } from "./tls";

/** What a server must be like; its port is its own affair. */
export type WantedSettings = Omit<ServerSettings, "port">;

/** A server that needs nothing done. */
export interface FitServer {
  readonly host: "localhost";
  readonly port: number;
  readonly systemIdentifier: string;
  readonly version: string;
  readonly caPath: string;
  readonly pid: number;
}

/** `down`: not running. `busy`: starting, recovering or stopping. `unfit`: running, but it takes a restart to put something right. */
export type ServerState = { readonly kind: "fit"; readonly server: FitServer } | { readonly kind: "unfit"; readonly why: string } | { readonly kind: "busy" } | { readonly kind: "down" };

const POLL_MS = 20;

/**
 * Waits while the server is busy, then examines it.
 * @throws BulkheadError `SERVER_START_TIMEOUT`.
 */
export async function examineWhenSettled(paths: ServerPaths, wanted: WantedSettings, signal: AbortSignal | undefined): Promise<Exclude<ServerState, { kind: "busy" }>> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    signal?.throwIfAborted();
    const state = await examine(paths, wanted);
    if (state.kind !== "busy") return state;
    if (performance.now() > deadline) throw startTimeout(runningPostmaster(dataDirectoryOf(paths))?.pid, paths);
    await sleep(POLL_MS);
  }
}

/**
 * Whether a running server is ours and as wanted: configuration, certificates, and an admin secret that logs in. What can be put right
 * without a restart is: the other fields of the secret, its file mode, and a lost note of the port.
 * @throws BulkheadError `SERVER_NOT_ANSWERING`.
 */
export async function examine(paths: ServerPaths, wanted: WantedSettings): Promise<ServerState> {
  const dataDirectory = dataDirectoryOf(paths);
  const running = runningPostmaster(dataDirectory);
  if (running === undefined) return { kind: "down" };
  if (running.status !== "ready" || running.port === undefined) return { kind: "busy" };
  const { pid, port } = running;

  const content = (name: string) => readIfThere(join(dataDirectory, name));
  if (content("postgresql.conf") !== postgresqlConf({ ...wanted, port }) || content("pg_hba.conf") !== pgHbaConf()) return { kind: "unfit", why: "its configuration has changed" };
  const tls = readTls(paths);
  if (tls === undefined || content("server.crt") !== tls.certificate || content("server.key") !== tls.key) return { kind: "unfit", why: "its certificates are lost or run out soon" };
  const password = readAdminPassword(paths);
  if (password === undefined) return { kind: "unfit", why: "the admin's secret is lost or damaged" };

  const login = await tryAdminLogin("127.0.0.1", port, password, tls.ca);
  if (login === "wrong-password") return { kind: "unfit", why: "the admin's secret does not fit" };
  if (login === "busy") return { kind: "busy" };
  if (login === "silent") {
    // Overloaded, perhaps: no reason to end everybody's sessions unasked.
    throw new BulkheadError("SERVER_NOT_ANSWERING", `Postgres (process ${pid}) runs on port ${port}, but did not answer within ${LOGIN_TIMEOUT_MS / 1000} s.`, { hint: "Try again, or restart it: npm run down && npm run up" });
  }
  if (login !== "ok" && login !== "full") return { kind: "unfit", why: "it cannot be reached under its address and certificate" };
  const { files } = chooseIdentities(paths.directory, dataDirectory);
  const secret = adminSecret(paths, { port, password, ca: tls.ca });
  if (!isAdminSecretWritten(paths, secret)) writeAdminSecret(paths, secret, files);
  rememberPort(paths, port, files);
  return { kind: "fit", server: { host: "localhost", port, systemIdentifier: readSystemIdentifier(dataDirectory), version: wanted.version, caPath: paths.ca, pid } };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { redact } from "../../../manager/src/errors/redact";
import type { TlsFiles } from "../../certificates/tls-files";
import { makeDirectory, writeFileAtomically } from "../../write-file";
import { removeProcessNote, writeProcessNote } from "../processes/process-note";
import { readLogFrom } from "../processes/server-log";
import { startDetached } from "../processes/start-detached";
import type { DetachedProcess } from "../processes/start-detached";
import { stopProcess } from "../processes/stop-process";
import { nextFreePort, rememberPort, rememberedPort } from "../server/port";
import type { Identities } from "../server/run-as";
import { PROGRAM_ENVIRONMENT } from "../server/run-program";
import { diskError } from "../server/server-errors";
import { installTls } from "../server/tls";
import type { RunningStore } from "./examine-store";
import { probe } from "./probe";
import type { StorePaths } from "./store-paths";
import type { StoreProgram, StoreServer } from "./store-server";

/** How long a server may take to listen, in milliseconds; it first reads its data. */
export const START_TIMEOUT_MS = 30_000;
const POLL_MS = 20;
/** One, and one more for each port that is lost to a faster program. */
const MAX_STARTS = 6;

/** What `startStore` works with. */
export interface StartStoreOptions {
  readonly server: StoreServer;
  readonly program: StoreProgram;
  readonly paths: StorePaths;
  /** Folder of the stack's secrets. */
  readonly secrets: string;
  readonly dataDirectory: string;
  readonly tls: TlsFiles;
  readonly identities: Identities;
  readonly preferredPort: number;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Starts a store's server, which does not run, and waits until it listens. The caller holds the store's lock.
 *
 * @throws BulkheadError `STORE_START_FAILED`, `STORE_START_TIMEOUT` (it is left running), `SERVER_NO_FREE_PORT`, or a disk error
 */
export async function startStore(options: StartStoreOptions): Promise<RunningStore> {
  const { server, program, paths, secrets, dataDirectory, tls, identities, preferredPort, progress, signal } = options;
  const { version } = program;
  const wanted = rememberedPort(paths) ?? preferredPort;
  let port = await nextFreePort(wanted);
  if (port !== wanted) progress(`port ${wanted} is taken by another program: ${server.title} uses ${port}, now and from now on`);
  makeDirectory(dataDirectory, { mode: 0o700, owner: identities.server });
  installTls(dataDirectory, tls, identities.server);
  writeFileAtomically(paths.version, `${version}\n`, { mode: 0o644, owner: identities.files });
  for (let starts = 1; starts <= MAX_STARTS; starts++) {
    signal?.throwIfAborted();
    for (const [name, text] of server.configuration({ dataDirectory, version, port })) writeFileAtomically(join(dataDirectory, name), text, { mode: 0o600, owner: identities.server });
    rememberPort(paths, port, identities.files);
    await server.prepareUsers({ dataDirectory, secrets, progress }, { host: "localhost", port, ca: tls.ca }, identities);
    progress(`starting ${server.title} ${version} on port ${port}`);
    const outcome = await startOnce(options, port);
    if (outcome === "ready") return { host: "localhost", port, ca: tls.ca, dataDirectory, version };
    progress(`another program was faster to port ${port}`);
    port = await nextFreePort(port + 1);
  }
  throw new BulkheadError("STORE_START_FAILED", `${server.title} was started ${MAX_STARTS} times on ports up to ${port}, and could have none of them`, { hint: `npx bulkhead logs ${server.kind}` });
}

async function startOnce({ server, program, paths, dataDirectory, tls, identities, signal }: StartStoreOptions, port: number): Promise<"ready" | "port-taken"> {
  const started = startDetached({
    program: program.program,
    args: [...program.args, ...server.args(dataDirectory)],
    cwd: dataDirectory,
    environment: { ...PROGRAM_ENVIRONMENT, ...server.environment },
    paths,
    server: identities.server,
    files: identities.files,
  });
  if (started.pid !== undefined) writeProcessNote(paths.process, started.pid, identities.files);
  const answer = await waitUntilListening(started, port, tls.ca, signal);
  if (answer === "ours") return "ready";
  if (answer === "ended") {
    removeProcessNote(paths.process);
    return endedEarly(server, paths, started);
  }
  if (answer === "late") {
    throw new BulkheadError("STORE_START_TIMEOUT", `${server.title} (process ${started.pid}) does not listen on port ${port} after ${START_TIMEOUT_MS / 1000} s, and goes on trying`, { hint: `npx bulkhead logs ${server.kind}` });
  }
  await stopProcess({ pid: started.pid!, title: server.title, steps: server.stopSteps });
  removeProcessNote(paths.process);
  signal?.throwIfAborted();
  return "port-taken";
}

/** Waits for a server to listen, or to end. */
async function waitUntilListening({ ended }: Pick<DetachedProcess, "ended">, port: number, ca: string, signal: AbortSignal | undefined): Promise<"ours" | "stranger" | "ended" | "late" | "aborted"> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const answer = await probe(port, ca);
    // In this order: who lost the port to another has ended, or is about to.
    if (ended() !== undefined) return "ended";
    // Also where it listens by now: whoever was interrupted leaves nothing behind.
    if (signal?.aborted === true) return "aborted";
    if (answer === "ours" || answer === "stranger") return answer;
    if (performance.now() > deadline) return "late";
    await sleep(POLL_MS);
  }
}

function endedEarly({ kind, title }: StoreServer, paths: StorePaths, { logStart, ended }: DetachedProcess): "port-taken" {
  const log = readLogFrom(paths.log, logStart);
  if (/address already in use/i.test(log)) return "port-taken";
  const last = redact(log).trimEnd().split("\n").findLast((line) => line.trim() !== "");
  throw diskError(log, `${title} could not start`) ?? new BulkheadError("STORE_START_FAILED", `${title} did not start (${ended()})${last === undefined ? "" : `: ${last.trim().slice(0, 300)}`}`, { hint: `npx bulkhead logs ${kind}` });
}

/** Waits for a server that another command started and did not wait for. */
export async function waitForStore(port: number, ca: string, signal: AbortSignal | undefined): Promise<boolean> {
  return (await waitUntilListening({ ended: () => undefined }, port, ca, signal)) === "ours";
}

import { setTimeout as sleep } from "node:timers/promises";
import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { readLogFrom } from "../processes/server-log";
import { startDetached } from "../processes/start-detached";
import { sendSignal, stopProcess, waitUntil } from "../processes/stop-process";
import type { StopSteps } from "../processes/stop-process";
import type { Binaries } from "./binaries";
import type { ServerPaths } from "./paths";
import { disownPidFile, readPidFile } from "./pid-file";
import { isPostgresOf, isProcessAlive, isProcessIdTaken, postgresProcessesOf } from "./running-process";
import { diskError, lastLines } from "./server-errors";
import type { Owner } from "../../write-file";

/** How long a server may take to accept connections, in milliseconds. */
export const START_TIMEOUT_MS = 60_000;
const POLL_MS = 10;
const TITLE = "Postgres";

/** How long each way of stopping is given, in milliseconds, from mild to hard. */
const STOP_STEPS: StopSteps = [
  // Fast: sessions are ended, a checkpoint is written.
  ["SIGINT", 20_000],
  // Immediate: the next start recovers from the log.
  ["SIGQUIT", 6_000],
  ["SIGKILL", 4_000],
];
/** What processes of a killed server get to notice by themselves, then on request, then for good. */
const ORPHAN_STEPS: readonly [signal: NodeJS.Signals | undefined, timeoutMs: number][] = [
  [undefined, 2_000],
  ["SIGQUIT", 3_000],
  ["SIGKILL", 3_000],
];

/** The postmaster of a data directory, where one runs; undefined where none does, whatever its pid file says. */
export function runningPostmaster(dataDirectory: string): { pid: number; port: number | undefined; status: string | undefined } | undefined {
  const file = readPidFile(dataDirectory);
  return file !== undefined && isPostgresOf(file.pid, dataDirectory) ? file : undefined;
}

/** What a start needs. */
export interface StartOptions {
  readonly paths: ServerPaths;
  readonly dataDirectory: string;
  readonly binaries: Binaries;
  readonly server: Owner | undefined;
  readonly files: Owner | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a start ended; `port-taken` when somebody was faster to the port, which has nothing to do with our data. */
export type StartResult = { readonly outcome: "ready"; readonly pid: number } | { readonly outcome: "port-taken" };

/**
 * Starts the server in a session of its own, so that neither Ctrl-C in the terminal nor the end or death of this command reaches it, and
 * waits until it takes connections. Aborting stops it again.
 * @throws BulkheadError `SERVER_START_FAILED` with the last log lines, `SERVER_START_TIMEOUT` (it is left running: a long recovery goes on), or a disk error.
 */
export async function startPostmaster({ paths, dataDirectory, binaries, server, files, signal }: StartOptions): Promise<StartResult> {
  signal?.throwIfAborted();
  const { pid, logStart, ended } = startDetached({ program: binaries.postgres, args: ["-D", dataDirectory], paths, server, files });

  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const end = ended();
    if (end !== undefined) return failedStart(readLogFrom(paths.log, logStart), end, paths);
    // Also where it is ready by now: whoever was interrupted leaves nothing behind.
    if (signal?.aborted === true) {
      if (pid !== undefined) await stopProcess({ pid, title: TITLE, steps: STOP_STEPS });
      signal.throwIfAborted();
    }
    const running = readPidFile(dataDirectory);
    if (pid !== undefined && running?.pid === pid && running.status === "ready") return { outcome: "ready", pid };
    if (performance.now() > deadline) throw startTimeout(pid, paths);
    await sleep(POLL_MS);
  }
}

/**
 * Stops the server: fast, then immediate, then by SIGKILL of its main process. Its data is safe in all three.
 * @throws BulkheadError `SERVER_STOP_FAILED`.
 */
export async function stopPostmaster(dataDirectory: string, progress: (line: string) => void): Promise<boolean> {
  const running = runningPostmaster(dataDirectory);
  if (running !== undefined) await stopProcess({ pid: running.pid, title: TITLE, steps: STOP_STEPS, progress });
  await endOrphans(dataDirectory, progress);
  return running !== undefined;
}

/**
 * Clears what a killed server leaves in the way of the next: processes that still hold its memory (or all of it, where the pid file or the
 * whole data directory was removed under it), and a pid file whose number belongs to a stranger by now, or still to the killed server's zombie: Postgres takes
 * either for a server that runs, and sees by itself through the number of no process at all.
 * @throws BulkheadError `SERVER_ORPHANS` when they cannot be ended.
 */
export async function clearAfterCrash(dataDirectory: string, progress: (line: string) => void): Promise<void> {
  await endOrphans(dataDirectory, progress);
  const file = readPidFile(dataDirectory);
  if (file === undefined || !isProcessIdTaken(file.pid)) return;
  if (isProcessAlive(file.pid)) progress(`process ${file.pid} of an old pid file is another program by now: the file is stale`);
  disownPidFile(dataDirectory);
}

async function endOrphans(dataDirectory: string, progress: (line: string) => void): Promise<void> {
  for (const [signal, timeoutMs] of ORPHAN_STEPS) {
    const orphans = postgresProcessesOf(dataDirectory);
    if (orphans.length === 0) return;
    if (signal !== undefined) {
      progress(`ending ${orphans.length} processes that a killed server left behind (${signal})`);
      for (const pid of orphans) sendSignal(pid, signal, TITLE);
    }
    await waitUntil(() => postgresProcessesOf(dataDirectory).length === 0, timeoutMs);
  }
  const orphans = postgresProcessesOf(dataDirectory);
  if (orphans.length === 0) return;
  throw new BulkheadError("SERVER_ORPHANS", `Processes of a killed server still hold its data and cannot be ended: ${orphans.join(", ")}.`, { hint: `End them as their owner: kill -9 ${orphans.join(" ")}` });
}

/** The error for a server that runs and does not get ready. */
export function startTimeout(pid: number | undefined, paths: ServerPaths): BulkheadError {
  return new BulkheadError("SERVER_START_TIMEOUT", `Postgres (process ${pid}) does not take connections after ${START_TIMEOUT_MS / 1000} s, and goes on trying. The end of ${paths.log}:\n${lastLines(readLogFrom(paths.log, 0))}`, {
    hint: "After a crash it first repairs its data, which can take minutes: run the same command again. To give up: npm run down",
  });
}

function failedStart(log: string, ended: string, paths: ServerPaths): StartResult {
  if (/could not create any TCP\/IP sockets|could not bind .* Address already in use/i.test(log)) return { outcome: "port-taken" };
  if (/pre-existing shared memory block/.test(log)) {
    throw new BulkheadError("SERVER_ORPHANS", `Processes of a killed server still hold its memory:\n${lastLines(log)}`, { hint: "See them with: ps axww | grep postgres:   and end them with: kill -QUIT <pid>" });
  }
  throw diskError(log, "Postgres could not start") ?? new BulkheadError("SERVER_START_FAILED", `Postgres did not start (${ended}). The end of ${paths.log}:\n${lastLines(log)}`, { hint: `Read all of it: cat '${paths.log}'` });
}

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { dockerFailure, dockerMissing } from "./docker-errors";
import { dockerEnvironment } from "./run-docker";

/** What is kept of what the command line said, for the message when it fails. */
const KEPT_LINES = 20;
/** Lines that wait for a slow reader; beyond it the container's output is not read on. */
const WAITING_MAX_LINES = 1_000;

export interface LogOptions {
  /** Last lines to begin with. */
  readonly lines: number;
  /** Goes on until the container stops, the signal is aborted or the reader leaves. */
  readonly follow: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a container wrote to its two streams, line by line. Ends without an error when it is cancelled.
 *
 * @throws BulkheadError what `callDocker` throws
 */
export async function* followLogs(container: string, { lines, follow, signal }: LogOptions): AsyncGenerator<string> {
  if (signal?.aborted) return;
  // In a session of its own, so that Ctrl-C in the terminal reaches only the command, which then ends this in order.
  const child = spawn("docker", ["logs", "--tail", String(lines), ...(follow ? ["--follow"] : []), container], { stdio: ["ignore", "pipe", "pipe"], env: dockerEnvironment(), detached: true });
  const queue: string[] = [];
  const lastErrors: string[] = [];
  let wake = (): void => undefined;
  let spawnError: Error | undefined;
  let exitCode: number | null | undefined;
  const streams = [child.stdout, child.stderr].map((stream) => createInterface({ input: stream }));
  for (const [index, stream] of streams.entries()) {
    stream.on("line", (line) => {
      if (queue.push(line) >= WAITING_MAX_LINES) streams.forEach((other) => other.pause());
      if (index === 1 && lastErrors.push(line) > KEPT_LINES) lastErrors.shift();
      wake();
    });
  }
  child.once("error", (error) => { spawnError = error; wake(); });
  child.once("close", (code) => { exitCode = code; wake(); });
  const stop = (): void => {
    try {
      if (child.pid !== undefined && exitCode === undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  };
  signal?.addEventListener("abort", stop);
  try {
    for (;;) {
      while (queue.length > 0) yield queue.shift()!;
      streams.forEach((stream) => stream.resume());
      if (spawnError !== undefined) throw dockerMissing(spawnError);
      if (exitCode !== undefined && queue.length === 0) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (queue.length > 0 || exitCode !== undefined || spawnError !== undefined) resolve();
      });
    }
    if (exitCode !== 0 && signal?.aborted !== true) throw dockerFailure(`logs ${container}`, exitCode, lastErrors.join("\n"));
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
}

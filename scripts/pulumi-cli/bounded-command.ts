import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../manager/src/errors/bulkhead-error";

/** A command that must show signs of life. */
export interface BoundedCommand {
  /** Executable and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the command and everything it started. */
  readonly signal?: AbortSignal | undefined;
  /** How long it may take in all, in milliseconds. */
  readonly timeoutMs: number;
  /** How long it may go without a sign of life, in milliseconds; asked anew each time, so that it may grow once things move. */
  readonly stallMs: () => number;
  /** A number that changes while the command does something, asked twice a second. Lines of output count as signs of life if this is absent. */
  readonly progressOf?: () => Promise<number>;
  /** Gets each line that the command writes to standard output or standard error. */
  readonly onLine?: (line: string) => void;
}

/** How a bounded command ended. */
export interface CommandEnd {
  /** Undefined if it exited with 0. */
  readonly failure: CommandFailure | undefined;
}

/** Why a bounded command did not succeed. */
export interface CommandFailure {
  /** `exit code 1`, `nothing happened for 6 s`… */
  readonly reason: string;
  /** The last lines that it wrote. */
  readonly lastLines: readonly string[];
  /** The reason and the last line, as one. */
  readonly summary: string;
}

const LAST_LINES = 8;
const CHECK_EVERY_MS = 500;
/** Between asking the command to end and ending it. */
const KILL_AFTER_MS = 3_000;
const DRAIN_MS = 1_000;

/**
 * Runs a command in a process group of its own until it exits, shows no sign of life for too long, takes too long, or is cancelled; in
 * the last three cases the whole group is ended, so that nothing it started stays behind.
 *
 * @throws the signal's reason, once everything has ended, if it was cancelled.
 */
export async function runBounded(options: BoundedCommand): Promise<CommandEnd> {
  options.signal?.throwIfAborted();
  const [file, ...args] = options.command;
  const child = spawn(file, args, { cwd: options.cwd, env: options.env, stdio: ["ignore", "pipe", "pipe"], detached: process.platform !== "win32" });

  const startedAt = performance.now();
  let aliveAt = startedAt;
  const lastLines: string[] = [];
  const outputRead = [child.stdout, child.stderr].map((stream) => new Promise<void>((resolve) => void stream.once("close", resolve)));
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      if (options.progressOf === undefined) aliveAt = performance.now();
      if (lastLines.push(line) > LAST_LINES) lastLines.shift();
      options.onLine?.(line);
    });
  }

  const exit = new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(messageOf(error)));
    child.once("exit", (code, signal) => resolve(code === 0 ? undefined : signal === null ? `exit code ${code}` : `ended by ${signal}`));
  });
  const stopped = new AbortController();
  const watch = watchForLife(stopped.signal);
  const stalled = watch.then((reason) => ({ reason }));
  const ended = exit.then((reason) => ({ failure: reason }));

  const first = await Promise.race([ended, stalled]);
  stopped.abort();
  await watch;
  if ("failure" in first) {
    // What it wrote before its exit is read first, but a grandchild that keeps the pipe open is not waited for.
    await settledWithin(Promise.all(outputRead), DRAIN_MS);
    options.signal?.throwIfAborted();
    return { failure: first.failure === undefined ? undefined : failed(first.failure, lastLines) };
  }
  await endGroup(child.pid, exit);
  options.signal?.throwIfAborted();
  return { failure: failed(first.reason, lastLines) };

  /** Resolves with why the command should be ended, or with "" once it has ended by itself. */
  async function watchForLife(untilExit: AbortSignal): Promise<string> {
    const wake = options.signal === undefined ? untilExit : AbortSignal.any([untilExit, options.signal]);
    let lastProgress: number | undefined;
    while (!wake.aborted) {
      await delay(CHECK_EVERY_MS, undefined, { signal: wake }).catch(() => undefined);
      if (wake.aborted) break;
      if (options.progressOf !== undefined) {
        const progress = await options.progressOf();
        if (progress !== lastProgress) aliveAt = performance.now();
        lastProgress = progress;
      }
      const now = performance.now();
      if (now - aliveAt > options.stallMs()) return `nothing happened for ${Math.round((now - aliveAt) / 1_000)} s`;
      if (now - startedAt > options.timeoutMs) return `not done after ${Math.round((now - startedAt) / 1_000)} s`;
    }
    return options.signal?.aborted ? "cancelled" : "";
  }
}

function failed(reason: string, lastLines: readonly string[]): CommandFailure {
  const lastLine = lastLines.findLast((line) => line.trim() !== "")?.trim();
  return { reason, lastLines, summary: lastLine === undefined ? reason : `${reason}; its last words: ${lastLine}` };
}

/** Waits for `promise`, but no longer than `timeoutMs`. */
async function settledWithin(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  const settled = new AbortController();
  await Promise.race([promise, delay(timeoutMs, undefined, { signal: settled.signal }).catch(() => undefined)]);
  settled.abort();
}

async function endGroup(pid: number | undefined, exit: Promise<unknown>): Promise<void> {
  if (pid === undefined) return;
  const send = (signal: NodeJS.Signals): void => {
    try {
      process.kill(process.platform === "win32" ? pid : -pid, signal);
    } catch {
      // the group has ended
    }
  };
  send("SIGTERM");
  await settledWithin(exit, KILL_AFTER_MS);
  send("SIGKILL");
  await exit;
}

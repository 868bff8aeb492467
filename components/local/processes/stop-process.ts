import { setTimeout as sleep } from "node:timers/promises";

import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { isProcessAlive } from "../server/running-process";

const POLL_MS = 10;

/** Ways of stopping a process, from mild to hard, and how long each is given, in milliseconds. */
export type StopSteps = readonly [first: StopStep, ...harder: StopStep[]];
export type StopStep = readonly [signal: NodeJS.Signals, timeoutMs: number];

/** Which process is stopped, and how. */
export interface StopOptions {
  readonly pid: number;
  /** For messages: `Postgres`. */
  readonly title: string;
  readonly steps: StopSteps;
  /** Told when it takes more than the mildest way. */
  readonly progress?: ((line: string) => void) | undefined;
}

/** Stops a server. @throws BulkheadError `SERVER_STOP_FAILED`, `SERVER_STOP_DENIED` */
export async function stopProcess({ pid, title, steps, progress }: StopOptions): Promise<void> {
  for (const [index, [signal, timeoutMs]] of steps.entries()) {
    if (index > 0) progress?.(`${title} (process ${pid}) does not stop: sending ${signal}`);
    sendSignal(pid, signal, title);
    if (await waitUntil(() => !isProcessAlive(pid), timeoutMs)) return;
  }
  throw new BulkheadError("SERVER_STOP_FAILED", `${title} (process ${pid}) could not be stopped, not even by SIGKILL: it waits for the disk.`, { hint: `See what it waits for: ps -o pid,user,stat,wchan,cmd -p ${pid}` });
}

/** @throws BulkheadError `SERVER_STOP_DENIED`; a process that is gone is no error */
export function sendSignal(pid: number, signal: NodeJS.Signals, title: string): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // ESRCH: it is gone, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return;
    throw new BulkheadError("SERVER_STOP_DENIED", `${title} (process ${pid}) belongs to another user, so it cannot be stopped by this one.`, { hint: `Run the command as the user who started it: ps -o user= -p ${pid}`, cause: error });
  }
}

/** Whether the condition came true in that time. */
export async function waitUntil(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

import { setTimeout as sleep } from "node:timers/promises";

/** A whole number of milliseconds from `minMs` to `maxMs`, drawn at random: two who wait for the same thing do not meet again and again. */
export function jitterMs(minMs: number, maxMs: number): number {
  return minMs + Math.floor(Math.random() * (maxMs - minMs + 1));
}

/** Waits; ends early, with the signal's reason, when it aborts. */
export async function waitMs(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal });
}

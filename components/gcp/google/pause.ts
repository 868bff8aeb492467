import { setTimeout as delay } from "node:timers/promises";

/** Waits, or throws the signal's own reason as soon as it is aborted: Node's timer throws an AbortError of its own. */
export async function pause(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(durationMs, undefined, signal && { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

import { performance } from "node:perf_hooks";

/** Time as the parts that wait see it; tests give one that they turn by hand. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  nowMs(): number;
  /** Runs `run` once after `delayMs`, and returns how to call it off. */
  schedule(delayMs: number, run: () => void): () => void;
  /** Runs `run` after the event loop has taken in what arrived from the network meanwhile. */
  afterIo(run: () => void): void;
}

/** Node's own timers. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  schedule(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
  afterIo: (run) => void setImmediate(run),
};

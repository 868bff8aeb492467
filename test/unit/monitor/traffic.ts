import { ConnectionMonitor } from "../../../manager/src/monitor";
import type { ConnectionMonitorOptions, MonitoredPool } from "../../../manager/src/monitor";
import type { PoolStats } from "../../../manager/src/pool";

/** Random numbers that are the same each time. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const IDLE: PoolStats = { name: "orders", total: 2, idle: 2, inUse: 0, connecting: 0, waiting: 0, min: 2, max: 20, effectiveMax: 20, downSince: undefined };

/** A monitor on a clock that is turned by hand, beside a pool whose counts are set by hand. */
export class Traffic {
  nowMs = 5 * 60_000;
  stats: PoolStats = IDLE;
  readonly lines: string[] = [];
  readonly monitor: ConnectionMonitor;
  readonly #random: () => number;

  constructor({ seed = 1, ...options }: ConnectionMonitorOptions & { seed?: number } = {}) {
    this.#random = randomOf(seed);
    this.monitor = new ConnectionMonitor({ clock: { nowMs: () => this.nowMs }, log: (line) => this.lines.push(line), ...options });
    const pool: MonitoredPool = { stats: () => this.stats, observe: () => undefined };
    this.monitor.watch(pool);
  }

  /** Callers come at random, `perSecond` on average, and hold a connection for `holdMs` on average, exponentially spread. */
  run(minutes: number, perSecond: (minute: number) => number, holdMs = 200): void {
    const startMs = this.nowMs;
    const endMs = startMs + minutes * 60_000;
    const exponential = (mean: number): number => -Math.log(1 - this.#random()) * mean;
    /** Of connections in use, the earliest end first. */
    const ends: { readonly atMs: number; readonly heldMs: number }[] = [];
    const release = (untilMs: number): void => {
      while ((ends[0]?.atMs ?? Infinity) <= untilMs) {
        const end = ends.shift();
        if (end === undefined) return;
        this.nowMs = end.atMs;
        this.monitor.onRelease(end.heldMs);
      }
    };
    for (let atMs = startMs; ; ) {
      atMs += exponential(1_000 / perSecond((atMs - startMs) / 60_000));
      if (atMs >= endMs) break;
      release(atMs);
      this.nowMs = atMs;
      this.monitor.onAcquire(0.05);
      const heldMs = exponential(holdMs);
      const end = { atMs: atMs + heldMs, heldMs };
      ends.splice(ends.findLastIndex((other) => other.atMs <= end.atMs) + 1, 0, end);
    }
    release(endMs);
    this.nowMs = endMs;
    for (const { heldMs } of ends) this.monitor.onRelease(heldMs);
  }
}

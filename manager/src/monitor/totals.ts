import type { RemoveReason } from "../pool/observer";
import { DurationHistogram } from "./duration-histogram";

/** Different errors that are counted by their type; all others are `other`. */
const TYPES_MAX = 50;

/** Counts by a name, of which there may be few. */
export class CountByName {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    const known = this.#counts.has(name) || this.#counts.size < TYPES_MAX ? name : "other";
    this.#counts.set(known, (this.#counts.get(known) ?? 0) + 1);
  }

  entries(): [string, number][] {
    return [...this.#counts];
  }

  get total(): number {
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }
}

/** What was counted since the monitor began; it only grows, as Prometheus wants it. */
export class Totals {
  readonly wait = new DurationHistogram();
  readonly hold = new DurationHistogram();
  readonly query = new DurationHistogram();
  readonly connect = new DurationHistogram();
  /** By `error.type`. */
  readonly queryErrors = new CountByName();
  readonly acquireErrors = new CountByName();
  readonly connectErrors = new CountByName();
  readonly removed: Partial<Record<RemoveReason, number>> = {};
  acquireTimeouts = 0;
  slowQueries = 0;
  leaks = 0;
  leaksResolved = 0;
  transactionsLeft = 0;
  outages = 0;
}

import { DurationHistogram } from "./duration-histogram";

const MINUTE_MS = 60_000;
/** How far back minutes are kept. */
export const MINUTES_KEPT = 24 * 60;
/** How many of them, at the latest end, also keep how durations were spread. */
export const HISTOGRAM_MINUTES = 15;

/** What is counted by the minute. Sums of milliseconds end in Ms. */
const FIELDS = ["acquired", "acquireErrors", "waitMs", "released", "holdMs", "busyMs", "queries", "queryErrors", "failures", "queryMs", "slowQueries", "connects", "connectErrors"] as const;
export type Field = (typeof FIELDS)[number];

/** Fields that are named where they are counted: a look-up by a name that changes costs more than the addition. */
class RunningMinute implements Record<Field, number> {
  acquired = 0;
  acquireErrors = 0;
  waitMs = 0;
  released = 0;
  holdMs = 0;
  busyMs = 0;
  queries = 0;
  queryErrors = 0;
  failures = 0;
  queryMs = 0;
  slowQueries = 0;
  connects = 0;
  connectErrors = 0;
}

/** What happened in the last so many minutes, the running one included. */
export interface ActivityWindow extends Readonly<Record<Field, number>> {
  /** How much time the window holds, in milliseconds: less than asked for at the beginning. */
  readonly spanMs: number;
  /** How long callers waited, connections were held, queries took. Of at most the last 15 minutes. */
  readonly wait: DurationHistogram;
  readonly hold: DurationHistogram;
  readonly query: DurationHistogram;
}

/** One finished minute, for the forecast. */
export interface Minute {
  /** Callers that asked for a connection, served or not. */
  readonly arrivals: number;
  readonly released: number;
  readonly holdMs: number;
  /** Connections in use, on average over the minute. */
  readonly busy: number;
}

/**
 * Counts by the minute for 24 hours, in about 160 KB that are taken at once. There is no timer: each call says what time it is, and the first one of a minute turns the page.
 * Times are milliseconds of one clock that never goes back.
 */
export class Activity {
  /** The running minute, exact. */
  readonly #running = new RunningMinute();
  /** Those that have ended: seven digits are enough. */
  readonly #ended = Object.fromEntries(FIELDS.map((field) => [field, new Float32Array(MINUTES_KEPT)])) as Record<Field, Float32Array>;
  readonly #wait = histograms();
  readonly #hold = histograms();
  readonly #query = histograms();
  readonly #startedMs: number;
  #minute: number;
  #minuteEndsMs: number;
  #inUse = 0;
  #inUseSinceMs: number;
  #turned: ((nowMs: number) => void) | undefined;

  constructor(nowMs: number) {
    this.#startedMs = nowMs;
    this.#inUseSinceMs = nowMs;
    this.#minute = Math.floor(nowMs / MINUTE_MS);
    this.#minuteEndsMs = (this.#minute + 1) * MINUTE_MS;
  }

  /** Calls `turned` whenever one or more minutes have ended, after the page was turned. */
  onTurn(turned: (nowMs: number) => void): void {
    this.#turned = turned;
  }

  acquired(nowMs: number, waitMs: number): void {
    this.changeInUse(nowMs, 1);
    this.#running.acquired++;
    this.#running.waitMs += waitMs;
    (this.#wait[this.#minute % HISTOGRAM_MINUTES] as DurationHistogram).record(waitMs);
  }

  released(nowMs: number, holdMs: number): void {
    this.changeInUse(nowMs, -1);
    this.#running.released++;
    this.#running.holdMs += holdMs;
    (this.#hold[this.#minute % HISTOGRAM_MINUTES] as DurationHistogram).record(holdMs);
  }

  queried(nowMs: number, durationMs: number): void {
    this.advance(nowMs);
    this.#running.queries++;
    this.#running.queryMs += durationMs;
    (this.#query[this.#minute % HISTOGRAM_MINUTES] as DurationHistogram).record(durationMs);
  }

  /** Adds to the running minute; `advance` goes before. */
  count(field: Field, amount: number): void {
    this.#running[field] += amount;
  }

  /** Turns the page where the minute is over. */
  advance(nowMs: number): void {
    if (nowMs < this.#minuteEndsMs) return;
    // A day without a call needs one round, not more.
    const last = Math.floor(nowMs / MINUTE_MS);
    if (last - this.#minute > MINUTES_KEPT) {
      this.#minute = last - MINUTES_KEPT;
      this.#minuteEndsMs = (this.#minute + 1) * MINUTE_MS;
      this.#inUseSinceMs = this.#minute * MINUTE_MS;
    }
    while (this.#minute < last) {
      this.#countBusy(this.#minuteEndsMs);
      for (const field of FIELDS) {
        this.#ended[field][this.#minute % MINUTES_KEPT] = this.#running[field];
        this.#running[field] = 0;
      }
      this.#minute++;
      this.#minuteEndsMs += MINUTE_MS;
      for (const kept of [this.#wait, this.#hold, this.#query]) kept[this.#minute % HISTOGRAM_MINUTES]?.clear();
    }
    this.#turned?.(nowMs);
  }

  /** The last `minutes` (1 to 1,440) up to now. */
  window(nowMs: number, minutes: number): ActivityWindow {
    this.advance(nowMs);
    this.#countBusy(nowMs);
    const sums = Object.fromEntries(FIELDS.map((field) => [field, this.#sum(field, minutes)])) as Record<Field, number>;
    const fromMs = Math.max(this.#startedMs, (this.#minute - minutes + 1) * MINUTE_MS);
    const recent = Math.min(minutes, HISTOGRAM_MINUTES);
    return { ...sums, spanMs: Math.max(1, nowMs - fromMs), wait: this.#merged(this.#wait, recent), hold: this.#merged(this.#hold, recent), query: this.#merged(this.#query, recent) };
  }

  /** The finished minutes since the monitor began, the oldest first, at most `limit`. The first, which was not whole, is left out. */
  finishedMinutes(limit: number): Minute[] {
    const first = Math.max(Math.floor(this.#startedMs / MINUTE_MS) + 1, this.#minute - Math.min(limit, MINUTES_KEPT - 1));
    return Array.from({ length: Math.max(0, this.#minute - first) }, (_, index) => {
      const slot = (first + index) % MINUTES_KEPT;
      const at = (field: Field): number => this.#ended[field][slot] as number;
      return { arrivals: at("acquired") + at("acquireErrors"), released: at("released"), holdMs: at("holdMs"), busy: at("busyMs") / MINUTE_MS };
    });
  }

  private changeInUse(nowMs: number, change: 1 | -1): void {
    this.advance(nowMs);
    this.#countBusy(nowMs);
    // A connection that was lent before the monitor came is not counted.
    this.#inUse = Math.max(0, this.#inUse + change);
  }

  #countBusy(untilMs: number): void {
    if (untilMs <= this.#inUseSinceMs) return;
    this.#running.busyMs += this.#inUse * (untilMs - this.#inUseSinceMs);
    this.#inUseSinceMs = untilMs;
  }

  #sum(field: Field, minutes: number): number {
    let sum = this.#running[field];
    const first = Math.max(Math.floor(this.#startedMs / MINUTE_MS), this.#minute - Math.min(minutes, MINUTES_KEPT) + 1);
    for (let minute = first; minute < this.#minute; minute++) sum += this.#ended[field][minute % MINUTES_KEPT] as number;
    return sum;
  }

  #merged(kept: readonly DurationHistogram[], minutes: number): DurationHistogram {
    const merged = new DurationHistogram();
    for (let back = 0; back < minutes; back++) {
      const one = kept[(this.#minute - back + HISTOGRAM_MINUTES) % HISTOGRAM_MINUTES];
      if (one !== undefined) merged.add(one);
    }
    return merged;
  }
}

function histograms(): DurationHistogram[] {
  return Array.from({ length: HISTOGRAM_MINUTES }, () => new DurationHistogram());
}

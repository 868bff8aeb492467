import { Activity } from "./activity";
import { ErrorKinds } from "./error-kinds";
import { LOOK_BACK_MINUTES, demandOf, demandTrend } from "./forecast";
import { ForecastLog } from "./forecast-log";
import { shapeOf } from "./query-shape";
import { RecentList } from "./recent-list";
import type { SlowQuery } from "./reports";
import { StatementTable } from "./statements";
import type { Telemetry } from "./telemetry";
import { Totals } from "./totals";

/** Events that are noted and not yet counted. */
const NOTED_MAX = 256;
/** Longer statements are counted at once, so that their texts are not held. */
const NOTED_CHARS_MAX = 2_000;
/** What is noted of an event: its kind, its time, its duration. */
const NUMBERS = 3;

const ACQUIRED = 0;
const RELEASED = 1;
const QUERIED = 2;

/**
 * Counts what happens. The three frequent events are only noted where they happen, side by side in one small array, and counted 256 at a time or when somebody reads: between the
 * work of a driver the tables that they go to are in no cache, and counting each at once took twice the CPU in the whole program (bench/monitor-overhead.ts). Times and durations are milliseconds.
 */
export class Recorder {
  readonly activity: Activity;
  readonly totals = new Totals();
  readonly statements: StatementTable;
  readonly slow: RecentList<SlowQuery>;
  readonly errors = new ErrorKinds();
  readonly forecasts = new ForecastLog();
  readonly telemetry = new Set<Telemetry>();
  readonly #noted = new Float64Array(NUMBERS * NOTED_MAX);
  readonly #texts = new Array<string>(NOTED_MAX).fill("");
  #notedCount = 0;

  /** @param epochMs what to add to the monitor's clock for the time of day */
  constructor(
    nowMs: number,
    readonly epochMs: number,
    readonly slowQueryMs: number,
    { statementsMax, slowQueriesKept }: { readonly statementsMax: number; readonly slowQueriesKept: number },
  ) {
    this.activity = new Activity(nowMs);
    this.activity.onTurn((turnedMs) => this.#minuteEnded(turnedMs));
    this.statements = new StatementTable(statementsMax);
    this.slow = new RecentList(slowQueriesKept);
  }

  acquired(nowMs: number, waitMs: number): void {
    this.#note(ACQUIRED, nowMs, waitMs, "");
    if (this.telemetry.size === 0) return;
    for (const telemetry of this.telemetry) telemetry.waited(waitMs);
  }

  released(nowMs: number, holdMs: number): void {
    this.#note(RELEASED, nowMs, holdMs, "");
    if (this.telemetry.size === 0) return;
    for (const telemetry of this.telemetry) telemetry.held(holdMs);
  }

  queried(nowMs: number, text: string, durationMs: number, error: Error | undefined): void {
    if (error === undefined && durationMs < this.slowQueryMs && text.length <= NOTED_CHARS_MAX && this.telemetry.size === 0) {
      this.#note(QUERIED, nowMs, durationMs, text);
    } else {
      this.settle(nowMs);
      this.#countQuery(nowMs, text, durationMs, error);
    }
  }

  /** Counts what is noted, and turns the page where a minute is over. Goes before anything is read, or counted without being noted. */
  settle(nowMs: number): void {
    const count = this.#notedCount;
    this.#notedCount = 0;
    for (let event = 0; event < count; event++) {
      const atMs = this.#noted[NUMBERS * event + 1] as number;
      const durationMs = this.#noted[NUMBERS * event + 2] as number;
      const kind = this.#noted[NUMBERS * event];
      if (kind === ACQUIRED) {
        this.activity.acquired(atMs, durationMs);
        this.totals.wait.record(durationMs);
      } else if (kind === RELEASED) {
        this.activity.released(atMs, durationMs);
        this.totals.hold.record(durationMs);
      } else {
        this.#countQuery(atMs, this.#texts[event] as string, durationMs, undefined);
      }
    }
    // No statement is held for longer than it is needed.
    this.#texts.fill("", 0, count);
    this.activity.advance(nowMs);
  }

  #note(kind: number, nowMs: number, durationMs: number, text: string): void {
    const event = this.#notedCount++;
    const at = NUMBERS * event;
    const noted = this.#noted;
    noted[at] = kind;
    noted[at + 1] = nowMs;
    noted[at + 2] = durationMs;
    if (kind === QUERIED) this.#texts[event] = text;
    if (this.#notedCount === NOTED_MAX) this.settle(nowMs);
  }

  #countQuery(atMs: number, text: string, durationMs: number, error: Error | undefined): void {
    this.activity.queried(atMs, durationMs);
    this.totals.query.record(durationMs);
    const row = this.statements.row(text);
    row.durations.record(durationMs);
    row.lastSeenMs = atMs;
    const kind = error === undefined ? undefined : this.errors.kindOf(error);
    if (kind !== undefined) {
      row.errors++;
      this.activity.count("queryErrors", 1);
      if (kind.failure) this.activity.count("failures", 1);
      this.totals.queryErrors.add(kind.type);
    }
    if (durationMs >= this.slowQueryMs) {
      this.totals.slowQueries++;
      this.activity.count("slowQueries", 1);
      this.slow.push({ atMs: this.epochMs + atMs, durationMs, text: row === this.statements.other ? shapeOf(text).text : row.text, error: kind?.type });
    }
    for (const telemetry of this.telemetry) telemetry.queried(durationMs, row, kind);
  }

  /** Once a minute at most. */
  #minuteEnded(nowMs: number): void {
    this.statements.makeRoom(nowMs);
    const minutes = this.activity.finishedMinutes(LOOK_BACK_MINUTES);
    const demand = demandOf(minutes.slice(-5)).at(-1);
    if (demand !== undefined) this.forecasts.note(Math.floor(nowMs / 60_000), demand, demandTrend(minutes));
  }
}

import { messageOf } from "../errors/bulkhead-error";
import { systemClock } from "../errors/clock";
import type { Clock } from "../errors/clock";
import { redact } from "../errors/redact";
import type { LeakReport, PoolObserver, PoolStats, RemoveReason } from "../pool/observer";
import { LOOK_BACK_MINUTES, demandOf, demandTrend, limitForecast } from "./forecast";
import type { Forecast } from "./forecast";
import { DEFAULT_THRESHOLDS, healthOf } from "./health";
import type { HealthReport } from "./health";
import type { ConnectionMonitorOptions } from "./options";
import { RecentList } from "./recent-list";
import { Recorder } from "./recorder";
import { windowReport } from "./reports";
import type { Leak, MonitorMetrics, SlowQuery, WindowReport } from "./reports";
import type { StatementStats } from "./statements";
import type { Telemetry } from "./telemetry";
import type { Totals } from "./totals";

/** What a monitor needs of a pool. */
export interface MonitoredPool {
  stats(): PoolStats;
  observe(observer: PoolObserver | undefined): void;
}

const HEALTH_MINUTES = 5;
const LEAKS_KEPT = 20;
/** Fewer judged forecasts than this say nothing about the next. */
const JUDGED_MIN = 10;

/**
 * Hears what a pool does and counts it: `const monitor = new ConnectionMonitor(); monitor.watch(pool)`. Recording takes under a microsecond, no timer, no stack; memory is bounded
 * (at most 5 MB with the default options, 0.5 MB for a service with a hundred statements). Nothing that fails here reaches the pool or its callers: the monitor
 * switches itself off and says so once.
 */
export class ConnectionMonitor implements PoolObserver {
  readonly options: ConnectionMonitorOptions;
  readonly #clock: Pick<Clock, "nowMs">;
  /** Whether its clock is the pool's too, so that what the pool has read need not be read again. */
  readonly #sharesClock: boolean;
  readonly #recorder: Recorder;
  readonly #leaks = new RecentList<Leak>(LEAKS_KEPT);
  #pool: MonitoredPool | undefined;
  #down = false;
  #off = false;

  constructor(options: ConnectionMonitorOptions = {}) {
    this.options = options;
    this.#clock = options.clock ?? systemClock;
    this.#sharesClock = options.clock === undefined;
    const nowMs = this.#clock.nowMs();
    const { slowQueryMs = 1_000, statementsMax = 500, slowQueriesKept = 100 } = options;
    this.#recorder = new Recorder(nowMs, Date.now() - nowMs, slowQueryMs, { statementsMax, slowQueriesKept });
  }

  /** Hears `pool` from now on, and reads its counts. One monitor, one pool. */
  watch(pool: MonitoredPool): this {
    this.#pool = pool;
    pool.observe(this);
    return this;
  }

  /** In metrics and reports. */
  get name(): string {
    return this.options.name ?? this.stats()?.name ?? "default";
  }

  /** False once the monitor has failed. */
  get active(): boolean {
    return !this.#off;
  }

  /** What the watched pool holds now; undefined without one. */
  stats(): PoolStats | undefined {
    return this.#pool?.stats();
  }

  /** What was counted since the monitor began. */
  get totals(): Totals {
    this.#settle();
    return this.#recorder.totals;
  }

  /** Passes every measurement on to `telemetry`, until the returned function is called. */
  forward(telemetry: Telemetry): () => void {
    this.#recorder.telemetry.add(telemetry);
    return () => void this.#recorder.telemetry.delete(telemetry);
  }

  onAcquire(waitMs: number, nowMs?: number): void {
    if (this.#off) return;
    try {
      this.#recorder.acquired(this.#at(nowMs), waitMs);
    } catch (error) {
      this.#switchOff(error);
    }
  }

  onAcquireError(_waitMs: number, error: Error): void {
    this.#record((recorder) => {
      const kind = recorder.errors.kindOf(error);
      recorder.activity.count("acquireErrors", 1);
      recorder.totals.acquireErrors.add(kind.type);
      if (kind.type !== "POOL_ACQUIRE_TIMEOUT") return;
      recorder.totals.acquireTimeouts++;
      for (const telemetry of recorder.telemetry) telemetry.timedOut();
    });
  }

  onRelease(useMs: number, _error?: Error, nowMs?: number): void {
    if (this.#off) return;
    try {
      this.#recorder.released(this.#at(nowMs), useMs);
    } catch (error) {
      this.#switchOff(error);
    }
  }

  onConnect(connectMs: number): void {
    this.#record((recorder) => {
      recorder.activity.count("connects", 1);
      recorder.totals.connect.record(connectMs);
      for (const telemetry of recorder.telemetry) telemetry.connected(connectMs);
    });
  }

  onConnectError(_connectMs: number, error: Error): void {
    this.#record((recorder) => {
      recorder.activity.count("connectErrors", 1);
      recorder.totals.connectErrors.add(recorder.errors.kindOf(error).type);
    });
  }

  onRemove(reason: RemoveReason): void {
    this.#record((recorder) => {
      recorder.totals.removed[reason] = (recorder.totals.removed[reason] ?? 0) + 1;
    });
  }

  onQuery(text: string, durationMs: number, error: Error | undefined, _rowCount?: number, nowMs?: number): void {
    if (this.#off) return;
    try {
      this.#recorder.queried(this.#at(nowMs), text, durationMs, error);
    } catch (failure) {
      this.#switchOff(failure);
    }
  }

  onLeak(report: LeakReport): void {
    this.#record((recorder, nowMs) => {
      const { heldMs, stack, user } = report;
      recorder.totals.leaks++;
      this.#leaks.push({ atMs: recorder.epochMs + nowMs, heldMs, stack, user });
      this.options.log?.(`pool "${this.name}": a connection is held for ${Math.round(heldMs)} ms without a query${stack === undefined ? "" : `; acquired at\n${stack}`}`);
    });
  }

  onLeakResolved(report: LeakReport): void {
    this.#record((recorder) => {
      recorder.totals.leaksResolved++;
      this.options.log?.(`pool "${this.name}": a connection that was held without a query came back after ${Math.round(report.heldMs)} ms`);
    });
  }

  onTransactionLeft(): void {
    this.#record((recorder) => {
      recorder.totals.transactionsLeft++;
    });
  }

  onDown(down: boolean): void {
    this.#record((recorder) => {
      this.#down = down;
      if (down) recorder.totals.outages++;
    });
  }

  /** What happened lately, and since the beginning. */
  getMetrics(): MonitorMetrics {
    const { totals } = this;
    const pool = this.stats();
    const nowMs = this.#clock.nowMs();
    const { activity } = this.#recorder;
    const report = (minutes: number): WindowReport => windowReport(activity.window(nowMs, minutes), pool?.max);
    return {
      name: this.name,
      pool,
      windows: { minute: report(1), fiveMinutes: report(5), quarter: report(15), hour: report(60), day: report(24 * 60) },
      totals: {
        acquired: totals.wait.count,
        acquireErrors: totals.acquireErrors.total,
        queries: totals.query.count,
        queryErrors: totals.queryErrors.total,
        slowQueries: totals.slowQueries,
        connects: totals.connect.count,
        connectErrors: totals.connectErrors.total,
        leaks: totals.leaks,
        leaksResolved: totals.leaksResolved,
        transactionsLeft: totals.transactionsLeft,
        outages: totals.outages,
      },
    };
  }

  /** Statements by fingerprint since the beginning, the one that took most time first. Loads Postgres' parser on the first call, unless `sqlParser` is false. */
  getStatements(): Promise<StatementStats[]> {
    this.#settle();
    return this.#recorder.statements.read(this.options.sqlParser ?? true);
  }

  /** The latest slow queries, the last one first. */
  getSlowQueries(): SlowQuery[] {
    this.#settle();
    return this.#recorder.slow.toArray();
  }

  /** The latest leaks, also those that came back, the last one first. */
  getLeaks(): Leak[] {
    return this.#leaks.toArray();
  }

  /** Whether the pool does well, and why not. Never throws. */
  getHealthStatus(): HealthReport {
    this.#settle();
    if (!this.#off) {
      try {
        const facts = { name: this.name, window: this.#recorder.activity.window(this.#clock.nowMs(), HEALTH_MINUTES), stats: this.stats(), down: this.#down || this.stats()?.downSince !== undefined };
        return healthOf({ ...facts, leaks: Math.max(0, this.totals.leaks - this.totals.leaksResolved), forecast: this.forecast() }, { ...DEFAULT_THRESHOLDS, ...this.options.thresholds });
      } catch (error) {
        this.#switchOff(error);
      }
    }
    const message = "The monitor failed and switched itself off; the pool goes on unwatched.";
    return { name: this.options.name ?? "default", status: "warning", reasons: [{ code: "monitor-off", level: "warning", message }], ready: true };
  }

  /** When the pool, and the connection budget, will be full if things go on as they do; see docs/manager/monitoring.md for how it is found and how well it did. */
  forecast(): Forecast {
    this.#settle();
    const minutes = this.#recorder.activity.finishedMinutes(LOOK_BACK_MINUTES);
    const trend = demandTrend(minutes);
    const max = this.stats()?.max;
    const score = this.#recorder.forecasts.score(max ?? 0);
    if (trend === undefined) return { demand: demandOf(minutes).at(-1) ?? 0, demandPerHour: 0, pool: undefined, budget: undefined, confidence: 0, score, minutes: minutes.length };
    const { budget } = this.options;
    return {
      demand: trend.demand,
      demandPerHour: trend.perMinute * 60,
      pool: max === undefined ? undefined : limitForecast(trend, max),
      budget: budget === undefined ? undefined : limitForecast(trend, budget.connections / budget.instances),
      confidence: score.judged < JUDGED_MIN ? trend.confidence : Math.min(trend.confidence, score.held),
      score,
      minutes: minutes.length,
    };
  }

  #at(poolNowMs: number | undefined): number {
    return poolNowMs !== undefined && this.#sharesClock ? poolNowMs : this.#clock.nowMs();
  }

  /** For what happens seldom. */
  #record(run: (recorder: Recorder, nowMs: number) => void): void {
    if (this.#off) return;
    try {
      const nowMs = this.#clock.nowMs();
      this.#recorder.settle(nowMs);
      run(this.#recorder, nowMs);
    } catch (error) {
      this.#switchOff(error);
    }
  }

  /** Goes before anything is read. */
  #settle(): void {
    this.#record(() => undefined);
  }

  #switchOff(error: unknown): void {
    if (this.#off) return;
    this.#off = true;
    try {
      this.options.log?.(`the connection monitor failed and switched itself off: ${redact(messageOf(error))}`);
    } catch {
      // Whoever should hear of it cannot.
    }
  }
}

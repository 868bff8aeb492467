import type { PoolStats } from "../pool/observer";
import type { ActivityWindow } from "./activity";

export interface SlowQuery {
  /** When it ended, as milliseconds since the epoch. */
  readonly atMs: number;
  readonly durationMs: number;
  /** Without constants and comments, at most 500 characters. */
  readonly text: string;
  /** The error's type, where it failed. */
  readonly error: string | undefined;
}

export interface Leak {
  /** When it was noticed, as milliseconds since the epoch. */
  readonly atMs: number;
  readonly heldMs: number;
  /** Where the connection was acquired, where the pool knows it. */
  readonly stack: string | undefined;
  readonly user: string | undefined;
}

/** What happened in a stretch of time that ends now. Durations in milliseconds; rates per second; shares 0 to 1. */
export interface WindowReport {
  /** Less than asked for at the beginning. */
  readonly spanMs: number;
  readonly acquiresPerSecond: number;
  /** Callers without a connection, of all. */
  readonly acquireFailureRate: number;
  readonly wait: Spread;
  readonly hold: Spread;
  /** Connections in use, on average. */
  readonly inUse: number;
  /** The same of the pool's `max`; undefined while no pool is watched. */
  readonly utilisation: number | undefined;
  readonly queriesPerSecond: number;
  readonly query: Spread;
  readonly slowQueries: number;
  /** Queries that ended with any error, of all. */
  readonly errorRate: number;
  /** Those that failed for reasons that are not in the statement or its data. */
  readonly failureRate: number;
}

/** How durations were spread. The quantiles are of the last 15 minutes at most, and off by at most 3.2 %. */
export interface Spread {
  readonly meanMs: number;
  readonly maxMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export interface MonitorMetrics {
  readonly name: string;
  /** Undefined while no pool is watched. */
  readonly pool: PoolStats | undefined;
  readonly windows: { readonly minute: WindowReport; readonly fiveMinutes: WindowReport; readonly quarter: WindowReport; readonly hour: WindowReport; readonly day: WindowReport };
  /** Since the monitor began. */
  readonly totals: {
    readonly acquired: number;
    readonly acquireErrors: number;
    readonly queries: number;
    readonly queryErrors: number;
    readonly slowQueries: number;
    readonly connects: number;
    readonly connectErrors: number;
    readonly leaks: number;
    readonly leaksResolved: number;
    readonly transactionsLeft: number;
    readonly outages: number;
  };
}

export function windowReport(window: ActivityWindow, max: number | undefined): WindowReport {
  const seconds = window.spanMs / 1_000;
  const asked = window.acquired + window.acquireErrors;
  const inUse = window.busyMs / window.spanMs;
  return {
    spanMs: window.spanMs,
    acquiresPerSecond: asked / seconds,
    acquireFailureRate: share(window.acquireErrors, asked),
    wait: spread(window.waitMs, window.acquired, window.wait),
    hold: spread(window.holdMs, window.released, window.hold),
    inUse,
    utilisation: max === undefined ? undefined : inUse / Math.max(1, max),
    queriesPerSecond: window.queries / seconds,
    query: spread(window.queryMs, window.queries, window.query),
    slowQueries: window.slowQueries,
    errorRate: share(window.queryErrors, window.queries),
    failureRate: share(window.failures, window.queries),
  };
}

function spread(sumMs: number, count: number, histogram: ActivityWindow["wait"]): Spread {
  return { meanMs: share(sumMs, count), maxMs: histogram.maxMs, p50Ms: histogram.quantile(0.5), p95Ms: histogram.quantile(0.95), p99Ms: histogram.quantile(0.99) };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

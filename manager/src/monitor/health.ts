import type { PoolStats } from "../pool/observer";
import type { ActivityWindow } from "./activity";
import type { Forecast } from "./forecast";

export type HealthStatus = "healthy" | "warning" | "critical";

/** What is wrong. */
export type HealthReasonCode =
  /** The database cannot be reached. */
  | "unreachable"
  /** Most connections are in use. */
  | "utilisation"
  /** Callers got no connection. */
  | "acquire-failures"
  /** Callers wait long for one. */
  | "acquire-wait"
  /** Queries fail for reasons that are not in their data. */
  | "query-failures"
  /** Many queries are slow. */
  | "slow-queries"
  /** Connections are held and not used. */
  | "leaks"
  /** The server had no room for more connections. */
  | "backpressure"
  /** The pool or the budget will be full soon. */
  | "forecast"
  /** The monitor failed and switched itself off: nothing is known. */
  | "monitor-off";

export interface HealthReason {
  readonly code: HealthReasonCode;
  readonly level: "warning" | "critical";
  /** With the numbers, for people. Holds no secret and no statement. */
  readonly message: string;
}

export interface HealthReport {
  /** The pool's name. */
  readonly name: string;
  /** The worst of the reasons' levels; `healthy` where there is none. */
  readonly status: HealthStatus;
  readonly reasons: readonly HealthReason[];
  /** False only while the database cannot be reached: a pool under pressure is not helped by sending its callers elsewhere all at once. */
  readonly ready: boolean;
}

/** From where on something is a warning, and critical. Shares are 0 to 1, of the last 5 minutes. */
export interface HealthThresholds {
  /** Connections in use of those the pool may have, now and on average over the last 5 minutes. Default 0.8 and 0.95. */
  readonly utilisation: readonly [number, number];
  /** Default 0.05 and 0.25, of at least 20. */
  readonly failureRate: readonly [number, number];
  /** Callers without a connection. Default 0.01 and 0.1. */
  readonly acquireFailureRate: readonly [number, number];
  /** p95 of the waits for a connection, in milliseconds. Default 100 and 1,000. */
  readonly waitP95Ms: readonly [number, number];
  /** Slow queries of all. Default 0.1 and 0.5. */
  readonly slowShare: readonly [number, number];
  /** Leaked connections of `max`. Default "any" and 0.5. */
  readonly leakShare: readonly [number, number];
}

export const DEFAULT_THRESHOLDS: HealthThresholds = {
  utilisation: [0.8, 0.95],
  failureRate: [0.05, 0.25],
  acquireFailureRate: [0.01, 0.1],
  waitP95Ms: [100, 1_000],
  slowShare: [0.1, 0.5],
  leakShare: [Number.MIN_VALUE, 0.5],
};

/** A share of fewer than this says nothing. */
const SAMPLES_MIN = 20;
const FORECAST_WARNING_MS = 30 * 60_000;
const FORECAST_CONFIDENCE_MIN = 0.9;

export interface HealthFacts {
  readonly name: string;
  readonly window: ActivityWindow;
  /** Undefined while no pool is watched. */
  readonly stats: PoolStats | undefined;
  readonly down: boolean;
  readonly leaks: number;
  readonly forecast: Forecast;
}

/** Pure: the same facts give the same report. */
export function healthOf(facts: HealthFacts, thresholds: HealthThresholds): HealthReport {
  const { window, stats, forecast } = facts;
  const reasons: HealthReason[] = [];
  const judge = (code: HealthReasonCode, value: number, limits: readonly [number, number], message: string): void => {
    if (value >= limits[0]) reasons.push({ code, level: value >= limits[1] ? "critical" : "warning", message });
  };
  if (facts.down) reasons.push({ code: "unreachable", level: "critical", message: "The database cannot be reached." });
  if (stats !== undefined) {
    const average = window.busyMs / window.spanMs;
    // Full for a moment is what a pool is for; full for a while, or with a queue, is pressure.
    const inUse = stats.waiting > 0 ? stats.inUse : Math.min(stats.inUse, average);
    judge("utilisation", inUse / Math.max(1, stats.effectiveMax), thresholds.utilisation, `${stats.inUse} of ${stats.effectiveMax} connections are in use (${average.toFixed(1)} on average), ${stats.waiting} callers wait.`);
    judge("leaks", facts.leaks / Math.max(1, stats.max), thresholds.leakShare, `${facts.leaks} of ${stats.max} connections are held and not used.`);
    if (stats.effectiveMax < stats.max) reasons.push({ code: "backpressure", level: "warning", message: `The server had no room: the pool allows itself ${stats.effectiveMax} of ${stats.max} connections.` });
  } else if (facts.leaks > 0) {
    reasons.push({ code: "leaks", level: "warning", message: `${facts.leaks} connections are held and not used.` });
  }
  const asked = window.acquired + window.acquireErrors;
  if (asked >= SAMPLES_MIN) {
    judge("acquire-failures", window.acquireErrors / asked, thresholds.acquireFailureRate, `${window.acquireErrors} of ${asked} callers got no connection in the last 5 minutes.`);
    const waitP95Ms = window.wait.quantile(0.95);
    judge("acquire-wait", waitP95Ms, thresholds.waitP95Ms, `One caller in twenty waited ${waitP95Ms.toFixed(0)} ms or longer for a connection.`);
  }
  if (window.queries >= SAMPLES_MIN) {
    judge("query-failures", window.failures / window.queries, thresholds.failureRate, `${window.failures} of ${window.queries} queries failed in the last 5 minutes.`);
    judge("slow-queries", window.slowQueries / window.queries, thresholds.slowShare, `${window.slowQueries} of ${window.queries} queries were slow in the last 5 minutes.`);
  }
  for (const [limit, what] of [[forecast.pool, "pool"], [forecast.budget, "connection budget"]] as const) {
    if (limit?.inMs === undefined || limit.inMs > FORECAST_WARNING_MS || forecast.confidence < FORECAST_CONFIDENCE_MIN) continue;
    reasons.push({ code: "forecast", level: "warning", message: `The ${what} (${limit.limit} connections) will be full in about ${Math.round(limit.inMs / 60_000)} minutes.` });
  }
  const status = reasons.some(({ level }) => level === "critical") ? "critical" : reasons.length > 0 ? "warning" : "healthy";
  return { name: facts.name, status, reasons, ready: !facts.down };
}

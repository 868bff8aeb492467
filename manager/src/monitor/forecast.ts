import type { Minute } from "./activity";
import { median, trendOf } from "./trend";

/** When a limit is reached if things go on as they do. */
export interface LimitForecast {
  /** Of connections of this pool. */
  readonly limit: number;
  /** Milliseconds until the demand reaches it: 0 when it has, undefined when no rise is sure enough or it is further away than can be said. */
  readonly inMs: number | undefined;
  /** Between which times, with 95 % of the slope; the later end is undefined where the slope might be flat. */
  readonly earliestMs: number | undefined;
  readonly latestMs: number | undefined;
}

export interface Forecast {
  /**
   * Connections that the callers need at once now, on average: arrivals per second times seconds held (Little's law). More than the pool has means that callers queue up.
   */
  readonly demand: number;
  /** How much that changes in an hour; 0 where no change is sure. */
  readonly demandPerHour: number;
  /** The pool's `max`. Undefined while no pool is watched. */
  readonly pool: LimitForecast | undefined;
  /** This process' share of the connection budget. Undefined where none was given. */
  readonly budget: LimitForecast | undefined;
  /** 0 to 1: how sure the trend is, and no more than how often past forecasts held, once ten of them can be judged. */
  readonly confidence: number;
  /** How the forecasts of the last 24 hours turned out. */
  readonly score: ForecastScore;
  /** Minutes that were looked at. Fewer than 15 give no forecast. */
  readonly minutes: number;
}

export interface ForecastScore {
  /** How many forecasts, each for 15 minutes ahead, have met their time. */
  readonly judged: number;
  /** Mean absolute error, in connections. */
  readonly meanError: number;
  /** The same of "it stays as it is". */
  readonly meanErrorOfNoChange: number;
  /** Share that was off by at most one connection or a tenth of the pool's `max`. 0 to 1. */
  readonly held: number;
}

/** How far back a trend is looked for, in minutes. */
export const LOOK_BACK_MINUTES = 120;
const MINUTES_MIN = 15;
/** Minutes are put together so that there are about this many points: neighbours are less alike, and a lull of a minute weighs little. */
const POINTS = 30;
/** A trend less sure than this is none: one flat series of a hundred looks like one. */
const CONFIDENCE_MIN = 0.99;
/** Nothing is said about what is further away than twice the time that was looked at. */
const REACH = 2;
/** Hold times are averaged over this many minutes. */
const HOLD_MINUTES = 5;
const MINUTE_MS = 60_000;

/** What the last hours say of the demand for connections. */
export interface DemandTrend {
  readonly demand: number;
  /** Change per minute; 0 where none is sure. */
  readonly perMinute: number;
  readonly perMinuteLow: number;
  readonly perMinuteHigh: number;
  readonly confidence: number;
  readonly minutes: number;
}

/** Demand in connections, minute by minute: arrivals per minute times the mean hold time, and no less than were in use. */
export function demandOf(minutes: readonly Minute[]): number[] {
  return minutes.map(({ arrivals, busy }, at) => {
    let released = 0;
    let holdMs = 0;
    for (let before = Math.max(0, at - HOLD_MINUTES + 1); before <= at; before++) {
      released += (minutes[before] as Minute).released;
      holdMs += (minutes[before] as Minute).holdMs;
    }
    return Math.max(busy, released === 0 ? 0 : (arrivals * (holdMs / released)) / MINUTE_MS);
  });
}

/** Undefined while there are too few minutes. */
export function demandTrend(minutes: readonly Minute[]): DemandTrend | undefined {
  if (minutes.length < MINUTES_MIN) return undefined;
  const demand = demandOf(minutes);
  const size = Math.max(1, Math.floor(demand.length / POINTS));
  // Whole blocks, counted from the end: the latest minutes matter most.
  const points = Array.from({ length: Math.floor(demand.length / size) }, (_, block) => {
    const end = demand.length - block * size;
    return demand.slice(end - size, end).reduce((sum, value) => sum + value, 0) / size;
  }).reverse();
  const trend = trendOf(points);
  const sure = trend.confidence >= CONFIDENCE_MIN;
  return {
    // The line ends in the middle of the last block.
    demand: sure ? Math.max(0, trend.level + (trend.slope * (size - 1)) / (2 * size)) : median(points.slice(-Math.ceil(points.length / 3))),
    perMinute: sure ? trend.slope / size : 0,
    perMinuteLow: sure ? trend.slopeLow / size : 0,
    perMinuteHigh: sure ? trend.slopeHigh / size : 0,
    confidence: trend.confidence,
    minutes: minutes.length,
  };
}

export function limitForecast(trend: DemandTrend, limit: number): LimitForecast {
  const room = limit - trend.demand;
  const reachMs = REACH * trend.minutes * MINUTE_MS;
  const within = (perMinute: number): number | undefined => {
    if (room <= 0) return 0;
    const ms = (room / perMinute) * MINUTE_MS;
    return perMinute > 0 && ms <= reachMs ? ms : undefined;
  };
  return { limit, inMs: within(trend.perMinute), earliestMs: within(trend.perMinuteHigh), latestMs: within(trend.perMinuteLow) };
}

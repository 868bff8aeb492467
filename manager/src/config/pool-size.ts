import type { Settings } from "./settings";
import { WHOLE_NUMBERS } from "./variables";

/** What bounds a pool beside the service's own wish. */
export interface PoolBounds {
  /** The login's `CONNECTION LIMIT`, which is `connections` of the service in the catalog; undefined where it is not known. */
  readonly connectionLimit: number | undefined;
  /** Instances of the service that run at the same time, at most. */
  readonly instancesMax: number;
  /** Connections that one instance can make use of; undefined: no bound. */
  readonly capacity: { readonly max: number; readonly why: string } | undefined;
}

/** Instances during a rollout: the old ones and the new ones hold a pool each. */
const ROLLOUT_FACTOR = 2;

/** The largest pool that fits: `max × instances × 2 ≤ connectionLimit`. 0 where not even one connection does. */
export function poolMaxWithin(connectionLimit: number, instancesMax: number): number {
  return Math.floor(connectionLimit / (instancesMax * ROLLOUT_FACTOR));
}

/**
 * What one instance can make use of: AWS Lambda runs one request at a time; a Cloud Run instance is one of many small ones, and sleeps between requests.
 * Elsewhere there is no bound.
 */
export function capacityOf(settings: Settings): PoolBounds["capacity"] {
  if (settings.text("AWS_LAMBDA_FUNCTION_NAME") !== undefined) return { max: 1, why: "an AWS Lambda instance runs one request at a time" };
  if (settings.text("K_SERVICE") !== undefined) return { max: 5, why: "Cloud Run instances are many and small" };
  return undefined;
}

/**
 * The size of one instance's pool. A size that somebody set is kept or refused, never quietly changed; a default is lowered to what the surroundings and the
 * budget admit.
 */
export function readPoolSize(settings: Settings, bounds: PoolBounds): { readonly min: number; readonly max: number } {
  const { connectionLimit, instancesMax, capacity } = bounds;
  const wantedMax = settings.wholeNumber("pool.max", WHOLE_NUMBERS.maxConnections);
  const wantedMin = settings.wholeNumber("pool.min", WHOLE_NUMBERS.minConnections);
  const budgetMax = connectionLimit === undefined ? Infinity : poolMaxWithin(connectionLimit, instancesMax);

  let max = wantedMax.value;
  if (wantedMax.isDefault && capacity !== undefined && capacity.max < max) max = settings.note("pool.max", capacity.max, `default, lowered: ${capacity.why}`);
  if (budgetMax < 1) {
    settings.problem("DB_MAX_CONNECTIONS", `cannot fit: the login may hold ${connectionLimit} connections, and ${instancesMax} instances need at least ${instancesMax * ROLLOUT_FACTOR} during a rollout`, `raise connections of the service in services.ts to ${instancesMax * ROLLOUT_FACTOR} or more, or run fewer instances`);
  } else if (max > budgetMax) {
    if (wantedMax.isDefault) max = settings.note("pool.max", budgetMax, `default, lowered: ${connectionLimit} connections of the login ÷ (${instancesMax} instances × ${ROLLOUT_FACTOR} during a rollout)`);
    else settings.problem("DB_MAX_CONNECTIONS", `does not fit: ${max} × ${instancesMax} instances × ${ROLLOUT_FACTOR} during a rollout is ${max * instancesMax * ROLLOUT_FACTOR}, and the login may hold ${connectionLimit}`, `set it to ${budgetMax} or less, or raise connections of the service in services.ts to ${max * instancesMax * ROLLOUT_FACTOR}`);
  }

  let min = wantedMin.value;
  if (wantedMin.isDefault && capacity !== undefined) min = settings.note("pool.min", 0, `default, lowered: ${capacity.why}`);
  if (min > max) {
    if (wantedMin.isDefault) min = settings.note("pool.min", max, "default, lowered to pool.max");
    else settings.problem("DB_MIN_CONNECTIONS", `is over the most connections (${max})`, `set it to ${max} or less`);
  }
  return { min, max };
}

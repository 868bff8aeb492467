import { BulkheadError } from "../errors";
import type { AppConfig } from "./app-config";
import { poolMaxWithin } from "./pool-size";

/** Asks the database; `pg.Client`, `pg.Pool` and this library's `Pool` have it. */
export interface Queryable {
  query(sql: string): Promise<{ readonly rows: readonly Record<string, unknown>[] }>;
}

/** What the server admits for the login, and what the configuration asks for. */
export interface ConnectionBudget {
  /** The login's `CONNECTION LIMIT`; undefined where it has none. */
  readonly connectionLimit: number | undefined;
  /** `pool.max` × instances × 2: what the service may hold during a rollout. */
  readonly needed: number;
}

/**
 * Compares the pool's size with the login's `CONNECTION LIMIT` as the server has it, which is the one that counts. For the start of a service, on its first connection.
 *
 * @throws BulkheadError `CONFIG_POOL_OVER_BUDGET` where the pools of a rollout would not fit
 */
export async function checkConnectionBudget(config: Pick<AppConfig, "service" | "pool">, database: Queryable): Promise<ConnectionBudget> {
  const { instancesMax } = config.pool;
  const { rows } = await database.query("SELECT rolname, rolconnlimit FROM pg_catalog.pg_roles WHERE rolname = session_user");
  const limit = Number(rows[0]?.["rolconnlimit"] ?? -1);
  const needed = config.pool.max * instancesMax * 2;
  if (limit >= 0 && needed > limit) {
    const fits = poolMaxWithin(limit, instancesMax);
    throw new BulkheadError("CONFIG_POOL_OVER_BUDGET", `${config.service}: a pool of ${config.pool.max} on ${instancesMax} instances needs ${needed} connections during a rollout, and the login ${String(rows[0]?.["rolname"])} may hold ${limit}`, {
      hint: fits < 1 ? `raise connections of ${config.service} in services.ts to ${instancesMax * 2} or more` : `set DB_MAX_CONNECTIONS to ${fits} or less, or raise connections of ${config.service} in services.ts to ${needed}`,
    });
  }
  return { connectionLimit: limit < 0 ? undefined : limit, needed };
}

import type { PoolOptions } from "../pool";
import { formatForDriver } from "../url";
import type { AppConfig, PostgresConnection } from "./app-config";

/**
 * What `createPool` takes, for the primary or for the replica of a configuration. Holds the password.
 *
 * @throws DatabaseUrlError `DATABASE_URL_NOT_EXPRESSIBLE` for several hosts, which one pool cannot hold, and `DATABASE_URL_FILE`
 */
export function poolOptions(config: Pick<AppConfig, "service" | "pool" | "connect">, connection: PostgresConnection): PoolOptions {
  const { connectionTimeoutMillis, ssl, ...client } = formatForDriver(connection.parsed, "node-postgres");
  const { password, ca } = connection;
  return {
    ...client,
    ssl: ssl === false || ca === undefined ? ssl : { ...ssl, ca, rejectUnauthorized: true },
    ...(password === undefined ? {} : { password }),
    name: config.service,
    min: config.pool.min,
    max: config.pool.max,
    acquireTimeoutMs: config.pool.acquireTimeoutMs,
    connectTimeoutMs: connectionTimeoutMillis ?? config.connect.timeoutMs,
  };
}

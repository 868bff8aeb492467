import type { Catalog } from "../../manager/src/catalog/catalog";
import { clickHouseServer } from "./clickhouse/clickhouse-server";
import { serversOf } from "./config";
import type { DockerConfig } from "./config";
import { postgresServer } from "./postgres/postgres-server";
import { redisServer } from "./redis/redis-server";
import type { ServerSpec } from "./server-container";

const MAKERS = { postgres: postgresServer, redis: redisServer, clickhouse: clickHouseServer };

/** The servers that a stack has, as data. Pure, but for the scripts that are read. */
export function serverSpecs(config: DockerConfig, catalog: Catalog): readonly ServerSpec[] {
  return serversOf(catalog).map((server) => MAKERS[server](config));
}

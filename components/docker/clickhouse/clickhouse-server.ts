import { renderBaseUsers, renderServerConfig } from "../../../manager/src/clickhouse/server-config";
import type { ClickHouseDialect } from "../../../manager/src/clickhouse/dialect";
import type { DockerConfig } from "../config";
import { PORTS } from "../names";
import { INSIDE } from "../server-container";
import type { ServerSpec } from "../server-container";
import { script } from "../write-config";

/** As in the official image. */
const DATA = "/var/lib/clickhouse";

/** `shared-clickhouse`. Its version is known to start.sh only, which chooses between configurations for the two dialects. */
export function clickHouseServer({ clickhouse }: Pick<DockerConfig, "clickhouse">): ServerSpec {
  const { port, memoryMb, cpus } = clickhouse;
  const files = (dialect: ClickHouseDialect) => ({ [`${dialect}.config.xml`]: renderConfig(dialect, memoryMb), [`${dialect}.users.xml`]: renderBaseUsers(dialect) });
  return {
    server: "clickhouse",
    files: {
      "start.sh": script("clickhouse/start.sh"),
      "health.sh": script("clickhouse/health.sh"),
      "common.sh": script("scripts/common.sh"),
      ...files("grants"),
      ...files("allow-databases"),
    },
    data: DATA,
    startArguments: [INSIDE.tls, INSIDE.keys, DATA, INSIDE.users],
    healthArguments: [],
    limits: { memoryMb, cpus },
    port,
    stop: { signal: "SIGTERM", graceSeconds: 60 },
  };
}

function renderConfig(dialect: ClickHouseDialect, memoryMb: number): string {
  return renderServerConfig({
    dialect,
    listenHosts: ["0.0.0.0"],
    httpsPort: PORTS.clickhouse,
    tls: { certificate: `${INSIDE.keys}/server.crt`, key: `${INSIDE.keys}/server.key` },
    dataDirectory: DATA,
    usersFile: `${INSIDE.keys}/users.xml`,
    logFile: null,
    // As its own default for the memory of a machine; the rest is for the process itself.
    maxMemoryBytes: Math.floor(memoryMb * 1024 * 1024 * 0.8),
  });
}

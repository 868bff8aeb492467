import { readFileSync } from "node:fs";
import { join } from "node:path";

import { CLICKHOUSE_HTTPS_PORT, CLICKHOUSE_NATIVE_PORT } from "../../../../manager/src/clickhouse/server-config";

/** Container-Optimized OS keeps nothing in /etc over a boot, so all of this is written at each. */
const FOLDER = "/etc/bulkhead";

const SERVICE = `[Unit]
Description=ClickHouse
Requires=docker.service
After=docker.service network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Environment=PORTS=${CLICKHOUSE_HTTPS_PORT},${CLICKHOUSE_NATIVE_PORT}
ExecStart=/bin/bash ${FOLDER}/start.sh
ExecStop=/usr/bin/docker stop -t 60 clickhouse
TimeoutStopSec=90
Restart=always
RestartSec=15

[Install]
WantedBy=multi-user.target
`;

const REFRESH = `[Unit]
Description=ClickHouse: configuration from the metadata and Secret Manager

[Service]
Type=oneshot
ExecStart=/bin/bash ${FOLDER}/refresh.sh
TimeoutStartSec=120
`;

const TIMER = `[Unit]
Description=ClickHouse: configuration every five minutes

[Timer]
OnActiveSec=5min
OnUnitActiveSec=5min
RandomizedDelaySec=30

[Install]
WantedBy=timers.target
`;

/**
 * The machine's `user-data`: scripts and units, the same for every stack. What differs is in other attributes of the metadata, which the scripts read: so a
 * service more or a rotated password reaches a machine that runs. JSON is YAML too, and needs no care for quotes and indents.
 */
export function renderCloudInit(): string {
  const script = (name: string): string => readFileSync(join(__dirname, name), "utf8");
  const files = { [`${FOLDER}/start.sh`]: script("start.sh"), [`${FOLDER}/refresh.sh`]: script("refresh.sh"), "/etc/systemd/system/clickhouse.service": SERVICE, "/etc/systemd/system/clickhouse-refresh.service": REFRESH, "/etc/systemd/system/clickhouse-refresh.timer": TIMER };
  return `#cloud-config\n${JSON.stringify(
    {
      write_files: Object.entries(files).map(([path, content]) => ({ path, permissions: "0644", owner: "root", content })),
      runcmd: ["systemctl daemon-reload", "systemctl start --no-block clickhouse.service", "systemctl start clickhouse-refresh.timer"],
    },
    null,
    1,
  )}\n`;
}

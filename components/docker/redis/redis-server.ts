import { renderRedisConf } from "../../../manager/src/redis/conf";
import type { DockerConfig } from "../config";
import { PORTS } from "../names";
import { ACL_FILE } from "../paths";
import { INSIDE } from "../server-container";
import type { ServerSpec } from "../server-container";
import { script } from "../write-config";

/** As in the official image. */
const DATA = "/data";

/** `shared-redis`. */
export function redisServer({ redis: { port, memoryMb, cpus } }: Pick<DockerConfig, "redis">): ServerSpec {
  return {
    server: "redis",
    files: {
      "start.sh": script("redis/start.sh"),
      "health.sh": script("redis/health.sh"),
      "common.sh": script("scripts/common.sh"),
      "redis.conf": renderRedisConf({
        port: PORTS.redis,
        bind: ["*"],
        certificateFile: `${INSIDE.keys}/server.crt`,
        keyFile: `${INSIDE.keys}/server.key`,
        aclFile: `${INSIDE.users}/${ACL_FILE}`,
        dataFolder: DATA,
        // The rest is for the process, and for the copy that it makes while it rewrites its file.
        maxMemoryBytes: Math.floor((memoryMb * 1024 * 1024) / 2),
      }),
    },
    data: DATA,
    startArguments: [INSIDE.tls, INSIDE.keys, DATA],
    healthArguments: [INSIDE.keys],
    limits: { memoryMb, cpus },
    port,
    stop: { signal: "SIGTERM", graceSeconds: 30 },
  };
}

import type { DockerConfig } from "../config";
import { INSIDE } from "../server-container";
import type { ServerSpec } from "../server-container";
import { script } from "../write-config";
import { renderPgHba, renderPgIdent, renderPostgresqlConf } from "./server-config";

/** As in the official images before 18, and in every Compose file. */
const DATA = "/var/lib/postgresql/data";
/** Where `psql` looks for a server by itself. */
const SOCKETS = "/var/run/postgresql";

/** `shared-postgres`. */
export function postgresServer(config: DockerConfig): ServerSpec {
  const { port, memoryMb, cpus, superuser } = config.postgres;
  return {
    server: "postgres",
    files: {
      "start.sh": script("postgres/start.sh"),
      "health.sh": script("postgres/health.sh"),
      "programs.sh": script("postgres/programs.sh"),
      "common.sh": script("scripts/common.sh"),
      "postgresql.conf": renderPostgresqlConf(config),
      "pg_hba.conf": renderPgHba(config),
      "pg_ident.conf": renderPgIdent(config),
    },
    data: DATA,
    startArguments: [INSIDE.tls, INSIDE.keys, DATA, SOCKETS, superuser],
    healthArguments: [DATA, SOCKETS, superuser],
    limits: { memoryMb, cpus },
    port,
    // Fast shutdown: sessions are ended, and all that is in memory is written, which on a slow disk takes a while. A server killed meanwhile has to recover at its next start.
    stop: { signal: "SIGINT", graceSeconds: 60 },
    // Parallel queries share memory there. Docker's 64 MB end them with "could not resize shared memory segment".
    shmSizeMb: 256,
  };
}

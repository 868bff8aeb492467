import { postgresqlConf } from "../../local/server/config";
import type { DockerConfig } from "../config";
import { PORTS } from "../names";

/** What Postgres' configuration depends on. */
export type PostgresSettings = Pick<DockerConfig, "maxConnections"> & { readonly postgres: Pick<DockerConfig["postgres"], "memoryMb" | "superuser"> };

/** OS user of the server in every image. */
const OS_USER = "postgres";

/**
 * The whole of `postgresql.conf`: what the local target has, then what is another in a container. A later line wins over an earlier one.
 * Addresses, sockets, certificates and libraries are on the command line (start.sh), since ALTER SYSTEM in a volume made elsewhere wins over this file.
 */
export function renderPostgresqlConf({ maxConnections, postgres }: PostgresSettings): string {
  const { memoryMb } = postgres;
  const shared = postgresqlConf({ port: PORTS.postgres, maxConnections, durability: "on", version: "the image" })
    .split("\n")
    // Of Postgres 16 and later: start.sh, which knows the version, gives it to those.
    .filter((line) => line !== "" && !line.startsWith("reserved_connections "));
  const own = [
    // A quarter and half of the container's memory, as Postgres' documentation proposes (20.4.1 Memory); the rest is for sessions.
    `shared_buffers = '${Math.floor(memoryMb / 4)}MB'`,
    `effective_cache_size = '${Math.floor(memoryMb / 2)}MB'`,
    `maintenance_work_mem = '${clamp(Math.floor(memoryMb / 16), 16, 512)}MB'`,
    // Fewer checkpoints while something large is loaded; costs disk, not memory.
    "max_wal_size = '2GB'",
    // SSDs, which is what developers' machines have.
    "random_page_cost = 1.1",
    // The container has one time zone, UTC, and its log goes to Docker, which adds the time itself only where it is asked to.
    "log_destination = 'stderr'",
    "logging_collector = 'off'",
  ];
  return [...shared, "# In a container:", ...own, ""].join("\n");
}

/**
 * The whole of `pg_hba.conf`. Over the network: TLS and a password, and never the superuser. On the socket, which is in the container only: the OS user of
 * the server, as the superuser, without a password. That is the way for bootstrap and repair (`docker exec`), and whoever may do that could read the data anyway.
 */
export function renderPgHba({ postgres }: PostgresSettings): string {
  const superusers = [...new Set(["postgres", postgres.superuser])].map((name) => `"${name}"`).join(",");
  return [
    "# Written by Bulkhead at every up: changes made here are lost.",
    "# TYPE  DATABASE  USER  ADDRESS  METHOD",
    "local   all       all            peer map=bulkhead",
    `host    all       ${superusers}  all  reject`,
    "hostssl all       all   all      scram-sha-256",
    "host    all       all   all      reject",
    "",
  ].join("\n");
}

/** The whole of `pg_ident.conf`. */
export function renderPgIdent({ postgres }: PostgresSettings): string {
  return ["# Written by Bulkhead at every up: changes made here are lost.", "# MAP     OS USER   ROLE", `bulkhead  ${OS_USER}  "${postgres.superuser}"`, ""].join("\n");
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}

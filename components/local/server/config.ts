/** What of the server's configuration varies. */
export interface ServerSettings {
  /** TCP port on 127.0.0.1 and ::1. */
  readonly port: number;
  /** `max_connections`, of which `RESERVED_CONNECTIONS` are kept for the admin. */
  readonly maxConnections: number;
  /** `off` trades crash safety for speed: for test databases only. */
  readonly durability: "on" | "off";
  /** Version of the Postgres that runs with it, so that a new version shows as a changed file and restarts the server. */
  readonly version: string;
}

/** Connections kept for `bulkhead_admin`: what Postgres by default keeps for superusers, of which none can come in over the network here. */
export const RESERVED_CONNECTIONS = 3;

/** The whole of `postgresql.conf`; values that are Postgres' own defaults are left out. */
export function postgresqlConf({ port, maxConnections, durability, version }: ServerSettings): string {
  const settings: [name: string, value: string | number][] = [
    ["listen_addresses", "127.0.0.1,::1"],
    ["port", port],
    ["unix_socket_directories", ""],
    ["max_connections", maxConnections],
    ["superuser_reserved_connections", 0],
    ["reserved_connections", RESERVED_CONNECTIONS],
    ["max_wal_senders", 0],
    ["password_encryption", "scram-sha-256"],
    ["authentication_timeout", "15s"],
    ["ssl", "on"],
    ["ssl_min_protocol_version", "TLSv1.2"],
    ["ssl_cert_file", "server.crt"],
    ["ssl_key_file", "server.key"],
    ["shared_preload_libraries", "pg_stat_statements"],
    // Utility statements keep their constants: ALTER ROLE … PASSWORD would show its verifier to everybody who may read statistics.
    ["pg_stat_statements.track_utility", "off"],
    ["track_io_timing", "on"],
    ["restart_after_crash", "on"],
    ["timezone", "UTC"],
    ["lc_messages", "C"],
    // A log without data: no statement, no parameter, and no DETAIL line, which quotes the row that broke a constraint.
    ["log_timezone", "UTC"],
    ["log_line_prefix", "%m [%p] %q%u@%d "],
    ["log_statement", "none"],
    ["log_min_error_statement", "panic"],
    ["log_min_duration_statement", -1],
    ["log_parameter_max_length", 0],
    ["log_parameter_max_length_on_error", 0],
    ["log_error_verbosity", "terse"],
    ["log_checkpoints", "off"],
  ];
  if (durability === "off") settings.push(["fsync", "off"], ["synchronous_commit", "off"], ["full_page_writes", "off"], ["checkpoint_timeout", "1h"]);
  const lines = settings.map(([name, value]) => `${name} = ${typeof value === "number" ? value : quoted(value)}`);
  return [`# Written by Bulkhead for PostgreSQL ${version} at every start: changes made here are lost.`, ...lines, ""].join("\n");
}

/** The whole of `pg_hba.conf`: passwords over TLS on loopback, and nothing else. The first line that fits decides. */
export function pgHbaConf(): string {
  return [
    "# Written by Bulkhead at every start: changes made here are lost.",
    "# TYPE  DATABASE  USER      ADDRESS       METHOD",
    "host    all       postgres  all           reject",
    "hostssl all       all       127.0.0.1/32  scram-sha-256",
    "hostssl all       all       ::1/128       scram-sha-256",
    "host    all       all       all           reject",
    "",
  ].join("\n");
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

import type { SqlConfig } from "../config/gcp-config";

/** A setting of the server, as Cloud SQL takes it. */
export interface DatabaseFlag {
  readonly name: string;
  readonly value: string;
}

/**
 * The server's flags, all written out: a default that changes with a version must not change the tier. Replicas get the same, since theirs may not
 * be below the primary's.
 *
 * Two rules of scanners are not followed. `log_hostname` (CKV_GCP_108) makes the server ask DNS at every login: a name server that is slow makes logins
 * slow, and all clients are in one VPC. `log_duration` (CKV2_GCP_13) logs a line for every statement, without its text, while Query Insights has
 * the durations by statement.
 */
export function sqlFlags({ maxConnections }: Pick<SqlConfig, "maxConnections">): DatabaseFlag[] {
  const flags: Readonly<Record<string, string>> = {
    // People log in with their Google account and a token; services keep passwords, which the setup makes.
    "cloudsql.iam_authentication": "on",
    // The extension itself is created in each database by the setup.
    "cloudsql.enable_pgaudit": "on",
    "pgaudit.log": "ddl,role",
    log_checkpoints: "on",
    log_connections: "on",
    log_disconnections: "on",
    log_duration: "off",
    log_error_verbosity: "default",
    log_executor_stats: "off",
    log_hostname: "off",
    log_lock_waits: "on",
    // Off: statements hold personal data, and logs are read by more people than the database is.
    log_min_duration_statement: "-1",
    log_min_error_statement: "error",
    log_min_messages: "warning",
    log_parser_stats: "off",
    log_planner_stats: "off",
    log_statement: "ddl",
    log_statement_stats: "off",
    // Every temporary file, in kB: each is a sort or a join that did not fit into memory.
    log_temp_files: "0",
    max_connections: String(maxConnections),
  };
  return Object.entries(flags).map(([name, value]) => ({ name, value }));
}

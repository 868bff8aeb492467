import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import type { Binaries } from "./binaries";
import { runProgram } from "./run-program";
import { diskError, lastLines, unknownUser } from "./server-errors";
import type { Owner } from "./write-file";

/** The server's admin: not a superuser, shaped like the admin that Cloud SQL and RDS give out. */
export const ADMIN_ROLE = "bulkhead_admin";
/** What new databases of the local tier are cloned from. */
export const TEMPLATE_DATABASE = "bulkhead_template";
/** `CONNECTION LIMIT` of the admin: one provisioning run takes up to 8 sessions, and a second run, `validate` and a person's shell may be there beside it. */
const ADMIN_CONNECTION_LIMIT = 24;

const SINGLE_USER_TIMEOUT_MS = 60_000;

/** A stopped server to run statements on as its superuser. */
export interface SingleUserServer {
  readonly dataDirectory: string;
  readonly binaries: Binaries;
  readonly owner: Owner | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What takes a superuser, which nobody is over the network: the admin, what PUBLIC loses, and the template with pg_stat_statements.
 * For a data directory fresh from initdb.
 */
export async function bootstrap(options: SingleUserServer & { readonly adminVerifier: string }): Promise<void> {
  await runSingleUser(options, "postgres", [...adminStatements(options.adminVerifier), ...clusterStatements()]);
  await runSingleUser(options, TEMPLATE_DATABASE, templateStatements());
}

/** Gives the admin a new password, and back whatever attribute or membership it lost. */
export async function resetAdmin(options: SingleUserServer & { readonly adminVerifier: string }): Promise<void> {
  await runSingleUser(options, "postgres", adminStatements(options.adminVerifier));
}

/** Repeatable. The verifier is base64, `$` and `:` by its grammar, so it needs no quoting. */
export function adminStatements(adminVerifier: string): string[] {
  return [
    `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${ADMIN_ROLE}') THEN CREATE ROLE ${ADMIN_ROLE}; END IF; END $$`,
    `ALTER ROLE ${ADMIN_ROLE} LOGIN CREATEROLE CREATEDB INHERIT NOSUPERUSER NOREPLICATION NOBYPASSRLS CONNECTION LIMIT ${ADMIN_CONNECTION_LIMIT} PASSWORD '${adminVerifier}' VALID UNTIL 'infinity'`,
    `GRANT pg_monitor, pg_signal_backend TO ${ADMIN_ROLE} WITH ADMIN TRUE, INHERIT TRUE`,
    // A few connections stay free for it when services have taken all others.
    `GRANT pg_use_reserved_connections TO ${ADMIN_ROLE}`,
    `GRANT CONNECT, CREATE ON DATABASE postgres TO ${ADMIN_ROLE}`,
  ];
}

function clusterStatements(): string[] {
  return [
    "REVOKE ALL ON DATABASE postgres FROM PUBLIC",
    "REVOKE ALL ON DATABASE template1 FROM PUBLIC",
    `CREATE DATABASE ${TEMPLATE_DATABASE} TEMPLATE template0 IS_TEMPLATE true`,
    `REVOKE ALL ON DATABASE ${TEMPLATE_DATABASE} FROM PUBLIC`,
  ];
}

function templateStatements(): string[] {
  return [
    "CREATE SCHEMA extensions",
    "CREATE EXTENSION pg_stat_statements SCHEMA extensions",
    "REVOKE ALL ON ALL TABLES IN SCHEMA extensions FROM PUBLIC",
    "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA extensions FROM PUBLIC",
    // In every clone the admin can make, and hand out, a function that shows a service its own statements.
    `GRANT USAGE, CREATE ON SCHEMA extensions TO ${ADMIN_ROLE} WITH GRANT OPTION`,
    `GRANT SELECT ON ALL TABLES IN SCHEMA extensions TO ${ADMIN_ROLE} WITH GRANT OPTION`,
    `GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA extensions TO ${ADMIN_ROLE} WITH GRANT OPTION`,
  ];
}

/**
 * Runs statements with `postgres --single`. Left to itself that exits with 0 whatever happened: `exit_on_error` makes the first error end
 * it, and the marker, selected last, proves that everything before it ran.
 */
async function runSingleUser({ dataDirectory, binaries, owner, signal }: SingleUserServer, database: string, statements: readonly string[]): Promise<void> {
  const args = ["--single", "-j", "-D", dataDirectory, "-c", "exit_on_error=on", "-c", "log_checkpoints=off", database];
  // With -j a statement ends at a semicolon followed by an empty line.
  const input = [...statements, "SELECT 'all statements ran' AS marker"].map((statement) => `${statement};\n\n`).join("");
  const result = await runProgram(binaries.postgres, args, { owner, input, timeoutMs: SINGLE_USER_TIMEOUT_MS, signal });
  if (result.exitCode === 0 && result.stdout.includes('"all statements ran"')) return;
  throw diskError(result.stderr, "The server could not be set up") ?? unknownUser(result.stderr) ?? new BulkheadError("SERVER_BOOTSTRAP_FAILED", `Setting up the server (as its superuser, in database ${database}) ended with ${result.exitCode ?? "a signal"}:\n${lastLines(result.stderr)}`, {
    hint: "Run the same command again. If it fails the same way: npm run doctor",
  });
}

import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { TEMPLATE_DATABASE, adminStatements, createTemplateStatement, publicStatements, templatePublicStatements, templateStatements } from "../../postgres/superuser-statements";
import { POSTGRES_MAJOR } from "./binaries";
import type { Binaries } from "./binaries";
import { runProgram } from "./run-program";
import { diskError, lastLines, unknownUser } from "./server-errors";
import type { Owner } from "../../write-file";

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
  await runSingleUser(options, "postgres", [...adminStatements(options.adminVerifier, POSTGRES_MAJOR), ...publicStatements(), createTemplateStatement(), ...templatePublicStatements()]);
  await runSingleUser(options, TEMPLATE_DATABASE, templateStatements());
}

/** Gives the admin a new password, and back whatever attribute or membership it lost. */
export async function resetAdmin(options: SingleUserServer & { readonly adminVerifier: string }): Promise<void> {
  await runSingleUser(options, "postgres", adminStatements(options.adminVerifier, POSTGRES_MAJOR));
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

import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import { redact } from "../../manager/src/errors/redact";
import { execInContainer } from "./engine/containers";
import { CONTAINERS } from "./names";

/** Debian keeps the server's programs out of the PATH. For a shell inside of the container. */
export const PREPEND_SERVER_PROGRAMS = 'for folder in /usr/lib/postgresql/*/bin /usr/local/bin; do [ -x "$folder/postgres" ] && PATH="$folder:$PATH"; done; export PATH; ';

const SCRIPT_TIMEOUT_MS = 60_000;
/** Shorter than the call's: what hangs ends inside of the container, too. */
const STATEMENT_TIMEOUT_MS = 50_000;

/** Whom a script runs as, and where. */
export interface SuperuserSession {
  /** Name of the role. The server lets the container's user `postgres` in as any, over its socket only. */
  readonly superuser: string;
  readonly database: string;
  readonly signal?: AbortSignal | undefined;
}

/** How a script ended. `starting` passes by itself; `no-role`: another superuser made the data. */
export type SuperuserResult = { readonly kind: "done"; readonly output: string } | { readonly kind: "starting" | "no-role" | "failed"; readonly detail: string };

/**
 * Runs a script as the superuser, over the socket inside of the container: there is no such login over the network. The script goes by
 * standard input, ends at its first error, and none of it is logged by the server.
 *
 * @returns what the queries gave, unaligned and without headings
 * @throws BulkheadError what says that Docker cannot be used or the container does not run
 */
export async function tryAsSuperuser({ superuser, database, signal }: SuperuserSession, script: string): Promise<SuperuserResult> {
  const preamble = `SET log_statement = 'none'; SET log_min_error_statement = 'panic'; SET log_min_duration_statement = -1; SET pg_stat_statements.track = 'none'; SET client_min_messages = warning; SET statement_timeout = ${STATEMENT_TIMEOUT_MS};\n`;
  const { exitCode, stdout, stderr } = await execInContainer({
    container: CONTAINERS.postgres,
    user: "postgres",
    // Without the container's PG* variables, and without anybody's psqlrc.
    command: ["/bin/sh", "-c", `${PREPEND_SERVER_PROGRAMS}unset PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGOPTIONS PGSERVICE; exec psql "$@"`, "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", superuser, "-d", database],
    input: preamble + script,
    timeoutMs: SCRIPT_TIMEOUT_MS,
    signal,
  });
  if (exitCode === 0) return { kind: "done", output: stdout.trim() };
  const detail = redact(stderr.trim() || stdout.trim()).slice(0, 1_000);
  if (/role "[^"]*" does not exist/.test(detail)) return { kind: "no-role", detail };
  // psql says 1 and 3 of the script, the shell 126 and 127 of psql; 2 is a connection that could not be made or was lost, and more than that an end from outside,
  // with the container's. Those pass with time, but for some refusals.
  const isFinal = [1, 3, 126, 127].includes(exitCode ?? 0) || /authentication failed|pg_hba\.conf|database "[^"]*" does not exist/i.test(detail);
  return { kind: isFinal ? "failed" : "starting", detail };
}

/** The same where the server is known to be up. @throws BulkheadError `SERVER_BOOTSTRAP_FAILED` */
export async function runAsSuperuser(session: SuperuserSession, script: string): Promise<string> {
  const result = await tryAsSuperuser(session, script);
  if (result.kind === "done") return result.output;
  throw new BulkheadError("SERVER_BOOTSTRAP_FAILED", `setting up Postgres as its superuser ${session.superuser}, in database ${session.database}, failed: ${result.detail || "psql said nothing"}`, {
    hint: `run the same command again; see what the server says: docker logs --tail 50 ${CONTAINERS.postgres}`,
  });
}

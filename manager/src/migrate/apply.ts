import { BulkheadError } from "../errors/bulkhead-error";
import { StatementFailure, describeFailure, isPassing, migrationFailed } from "./failure";
import { checksumOf, shownPath } from "./files";
import type { MigrationFile } from "./files";
import { recordProgress } from "./history";
import type { HistoryRow } from "./history";
import { dropInvalidIndex } from "./invalid-indexes";
import type { Script } from "./parse-script";
import type { MigrationSession } from "./session";
import type { Statement } from "./split-statements";
import { jitterMs, waitMs } from "./wait";

/** How long a statement waits for a lock: meanwhile every query that comes after it waits too. */
export const LOCK_TIMEOUT_MS = 3_000;
/** A CONCURRENTLY statement waits for old transactions to end, and nobody waits behind it. */
const CONCURRENT_LOCK_TIMEOUT_MS = 10 * 60_000;
const MAX_ATTEMPTS = 5;
const BACKOFF_BASE_MS = 250;
const BACKOFF_MAX_MS = 4_000;

/** Runs a migration that is pending or failed, and writes the history. Returns the milliseconds it took; throws MIGRATION_FAILED. */
export async function applyMigration(session: MigrationSession, file: MigrationFile, script: Script, row: HistoryRow | undefined, lockTimeoutMs: number): Promise<number> {
  const startedAt = performance.now();
  const elapsedMs = (): number => performance.now() - startedAt;
  await setUpSession(session);
  try {
    if (script.transactional) await applyInTransaction(session, file, script, lockTimeoutMs, elapsedMs);
    else await applyOneByOne(session, file, script, row, lockTimeoutMs, elapsedMs);
  } finally {
    await tidySession(session);
  }
  return elapsedMs();
}

async function applyInTransaction(session: MigrationSession, file: MigrationFile, script: Script, lockTimeoutMs: number, elapsedMs: () => number): Promise<void> {
  const { client, service } = session;
  const done = { transactional: true, statementsDone: script.statements.length, doneChecksum: prefixChecksum(script, script.statements.length) };
  try {
    await runInTransaction(session, file.path, script, lockTimeoutMs, () => recordProgress(client, file, { ...done, state: "applied", error: null, executionMs: elapsedMs() }));
  } catch (error) {
    if (!(error instanceof StatementFailure)) throw error;
    // Best effort: where the connection is gone the migration stays pending, which is as true.
    await recordProgress(client, file, { state: "failed", transactional: true, statementsDone: 0, doneChecksum: "", error: describeFailure(error), executionMs: elapsedMs() }).catch(() => {});
    throw migrationFailed(error, "Its transaction was rolled back: the database is as before.", `npx bulkhead migrate up ${service}`);
  }
}

async function applyOneByOne(session: MigrationSession, file: MigrationFile, script: Script, row: HistoryRow | undefined, lockTimeoutMs: number, elapsedMs: () => number): Promise<void> {
  const { client, progress, service } = session;
  const begun = row !== undefined && !row.transactional ? row : undefined;
  const first = begun === undefined ? 0 : resumeAt(begun, script, file, service);
  if (begun !== undefined) progress(`${service}: ${shownPath(file.path)} was begun before; going on with statement ${first + 1} of ${script.statements.length}`);
  const record = (state: "running" | "applied" | "failed", statementsDone: number, error: string | null): Promise<void> =>
    recordProgress(client, file, { state, transactional: false, statementsDone, doneChecksum: prefixChecksum(script, statementsDone), error, executionMs: elapsedMs() });
  await record("running", first, null);
  for (let index = first; index < script.statements.length; index++) {
    try {
      await runAlone(session, file.path, script.statements[index]!, index, lockTimeoutMs);
    } catch (error) {
      if (!(error instanceof StatementFailure)) throw error;
      await record("failed", index, describeFailure(error)).catch(() => {});
      const before = index === 0 ? "Nothing ran before it" : `The ${index} before it ran and will not be run again`;
      throw migrationFailed(error, `${before}; to undo it instead: npx bulkhead migrate rollback ${service}.`, `npx bulkhead migrate up ${service}`);
    }
    await record(index + 1 === script.statements.length ? "applied" : "running", index + 1, null);
  }
  if (first === script.statements.length) await record("applied", first, null);
}

/** Runs a script in one transaction, `last` in it too; tries again where a lock was not to be had. Throws `StatementFailure`. */
export async function runInTransaction(session: MigrationSession, path: string, script: Script, lockTimeoutMs: number, last: () => Promise<void>): Promise<void> {
  const { client } = session;
  await tryAgain(session, path, async () => {
    await client.query(`BEGIN; ${settingsSql(lockTimeoutMs, "LOCAL")}`);
    try {
      for (const [index, statement] of script.statements.entries()) await send(session, path, statement, index);
      try {
        await last();
        await client.query("COMMIT");
      } catch (error) {
        throw new StatementFailure(path, script.statements.length, undefined, error);
      }
    } catch (error) {
      await client.query("ROLLBACK").catch(() => {});
      throw error;
    }
  });
}

/** Runs one statement outside a transaction; tries again where a lock was not to be had. Throws `StatementFailure`. */
export async function runAlone(session: MigrationSession, path: string, statement: Statement, index: number, lockTimeoutMs: number): Promise<void> {
  const concurrently = statement.head.includes("concurrently");
  await tryAgain(session, path, async () => {
    await session.client.query(settingsSql(concurrently ? CONCURRENT_LOCK_TIMEOUT_MS : lockTimeoutMs, "SESSION"));
    await dropInvalidIndex(session, statement).catch((error: unknown) => {
      throw new StatementFailure(path, index + 1, statement, error);
    });
    await send(session, path, statement, index);
  });
}

async function send({ client }: MigrationSession, path: string, statement: Statement, index: number): Promise<void> {
  try {
    await client.query(statement.text);
  } catch (error) {
    throw new StatementFailure(path, index + 1, statement, error);
  }
}

async function tryAgain({ progress, service, signal }: MigrationSession, path: string, work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isPassing(error)) throw error;
      // Full jitter: whoever we collided with does not come back at the same moment.
      const pauseMs = jitterMs(0, Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** attempt));
      progress(`${service}: ${shownPath(path)}: ${(error as Error).message}; attempt ${attempt + 1} of ${MAX_ATTEMPTS} in ${pauseMs} ms`);
      await waitMs(pauseMs, signal);
    }
  }
}

/** The statement to go on with. Throws MIGRATION_CANNOT_RESUME where those that have run are no longer what the file says. */
function resumeAt(row: HistoryRow, script: Script, file: MigrationFile, service: string): number {
  if (prefixChecksum(script, row.statementsDone) === row.doneChecksum) return row.statementsDone;
  throw new BulkheadError(
    "MIGRATION_CANNOT_RESUME",
    `${shownPath(file.path)}: its first ${row.statementsDone} statements have run, one by one, and were changed since; what is in the database can no longer be told from the file.`,
    { hint: `put them back as they were, or undo them: npx bulkhead migrate rollback ${service}` },
  );
}

function prefixChecksum(script: Script, statements: number): string {
  return checksumOf(script.statements.slice(0, statements).map(({ text }) => text).join(";\n"));
}

function settingsSql(lockTimeoutMs: number, scope: "LOCAL" | "SESSION"): string {
  return `SET ${scope} search_path = public; SET ${scope} standard_conforming_strings = on; SET ${scope} lock_timeout = ${lockTimeoutMs}`;
}

/** A server that notices within a second that we are gone gives up the statement, its transaction and the migration lock. */
export async function setUpSession({ client }: MigrationSession): Promise<void> {
  // Postgres from 14 on Linux and 15 on macOS; others refuse it, and take the time until they write to the socket.
  await client.query("SET client_connection_check_interval = '1s'").catch(() => {});
}

/** What a migration has set does not reach the next one. Best effort: where it fails, the connection is gone. */
export async function tidySession({ client }: MigrationSession): Promise<void> {
  await client.query("RESET ALL; DEALLOCATE ALL; UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES").catch(() => {});
}

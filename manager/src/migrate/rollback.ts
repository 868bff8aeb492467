import { LOCK_TIMEOUT_MS, runAlone, runInTransaction, setUpSession, tidySession } from "./apply";
import { BulkheadError } from "../errors/bulkhead-error";
import { StatementFailure, describeFailure, migrationFailed } from "./failure";
import { readMigrations, readScripts, shownPath } from "./files";
import type { MigrationFile } from "./files";
import { forget, readHistory, recordRollingBack } from "./history";
import type { HistoryRow } from "./history";
import { withMigrationLock } from "./lock";
import type { Script } from "./parse-script";
import { schemaVersionOf } from "./plan-migrations";
import { withSession } from "./session";
import type { MigrationSession, MigrationTarget } from "./session";

/** What `rollbackMigration` needs to know. */
export interface RollbackOptions extends MigrationTarget {
  /** The schema folder. */
  readonly directory: string;
  /** The version that is to be the newest afterwards: 0, or one that is applied. Default: the newest migration is undone, and no other. */
  readonly to?: number;
}

/** What `rollbackMigration` did. */
export interface RollbackResult {
  /** In the order in which they were undone: newest first; empty where nothing was applied. */
  readonly rolledBack: readonly { readonly version: number; readonly name: string }[];
  /** The highest number that is still applied, 0 for none. */
  readonly schemaVersion: number;
  /** The whole call. Unit: milliseconds. */
  readonly ms: number;
}

/**
 * Undoes migrations by their rollback files, newest first, each in a transaction of its own unless the rollback file says otherwise. A migration without
 * transaction that failed half-way counts as the newest. Every file that is needed is read before anything runs. Throws what `migrate` throws, and
 * MIGRATION_UNKNOWN_VERSION for a `to` that is not applied.
 */
export async function rollbackMigration(options: RollbackOptions): Promise<RollbackResult> {
  const startedAt = performance.now();
  const { service, directory, to } = options;
  const files = new Map((await readMigrations(directory)).map((file) => [file.version, file]));
  return withSession(options, (session) =>
    withMigrationLock(session, async () => {
      const history = await readHistory(session.client);
      const rows = rowsToUndo(history, to, service);
      const scripts = await Promise.all(rows.map(async (row) => ({ row, file: fileOf(row, files, service), script: (await readScripts(fileOf(row, files, service))).rollback })));
      for (const { row, file, script } of scripts) {
        await undo(session, row, file, script);
        session.progress(`${service}: rolled back ${shownPath(file.path)}`);
      }
      const undone = new Set(rows.map(({ version }) => version));
      return {
        rolledBack: rows.map(({ version, name }) => ({ version, name })),
        schemaVersion: schemaVersionOf(history.filter(({ version }) => !undone.has(version))),
        ms: performance.now() - startedAt,
      };
    }),
  );
}

/** Newest first. A failed migration that ran in a transaction has left nothing to undo. */
function rowsToUndo(history: readonly HistoryRow[], to: number | undefined, service: string): HistoryRow[] {
  const undoable = history.filter(({ state, transactional }) => state === "applied" || state === "rolling_back" || !transactional).sort((a, b) => b.version - a.version);
  if (to === undefined) return undoable.slice(0, 1);
  if (to !== 0 && !history.some(({ version, state }) => version === to && state === "applied")) {
    throw new BulkheadError("MIGRATION_UNKNOWN_VERSION", `Version ${to} is not applied in the database of ${service}, so it cannot be rolled back to.`, {
      hint: `npx bulkhead migrate status ${service}`,
    });
  }
  return undoable.filter(({ version }) => version > to);
}

function fileOf({ version, name }: HistoryRow, files: ReadonlyMap<number, MigrationFile>, service: string): MigrationFile {
  const file = files.get(version);
  if (file !== undefined) return file;
  throw new BulkheadError("MIGRATION_HISTORY_DIFFERS", `Migration ${version} (${name}) of ${service} cannot be rolled back: its files are missing.`, {
    hint: "bring the file and its rollback back, from an older commit for example",
  });
}

async function undo(session: MigrationSession, { version }: HistoryRow, { rollbackPath }: MigrationFile, script: Script): Promise<void> {
  const { client, service } = session;
  const command = `npx bulkhead migrate rollback ${service}`;
  await setUpSession(session);
  try {
    if (script.transactional) {
      await runInTransaction(session, rollbackPath, script, LOCK_TIMEOUT_MS, () => forget(client, version));
      return;
    }
    await recordRollingBack(client, version, null);
    for (const [index, statement] of script.statements.entries()) await runAlone(session, rollbackPath, statement, index, LOCK_TIMEOUT_MS);
    await forget(client, version);
  } catch (error) {
    if (!(error instanceof StatementFailure)) throw error;
    if (script.transactional) throw migrationFailed(error, "Its transaction was rolled back: the migration is still applied.", command);
    await recordRollingBack(client, version, describeFailure(error)).catch(() => {});
    throw migrationFailed(error, "What ran before it is undone; the next try begins with its first statement, so it should be written with IF EXISTS.", command);
  } finally {
    await tidySession(session);
  }
}

import { LOCK_TIMEOUT_MS, applyMigration } from "./apply";
import { readMigrations, readScripts, shownPath } from "./files";
import { createHistory, readHistory } from "./history";
import { LOCK_WAIT_MS, withMigrationLock } from "./lock";
import { migrationsToRun, planMigrations, schemaVersionOf } from "./plan-migrations";
import { withSession } from "./session";
import type { MigrationTarget } from "./session";

/** What `migrate` needs to know. */
export interface MigrateOptions extends MigrationTarget {
  /** The schema folder, e.g. `schemas/auth`. */
  readonly directory: string;
  /** Roles that may read the history, e.g. the service's app group and readonly login; they are granted it when the table is made. Default: none. */
  readonly readers?: readonly string[];
  /** How long a statement waits for a table's lock before it gives way and tries again (5 times). Default: 3000. Unit: milliseconds. */
  readonly lockTimeoutMs?: number;
  /** How long another migrator of the same database is waited for. Default: 600000 (10 minutes). Unit: milliseconds. */
  readonly lockWaitMs?: number;
}

/** One migration that `migrate` applied. */
export interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  /** How long it took, with its retries. Unit: milliseconds. */
  readonly ms: number;
}

/** What `migrate` did. */
export interface MigrateResult {
  /** In the order in which they ran; empty where there was nothing to do. */
  readonly applied: readonly AppliedMigration[];
  /** The highest number that is now applied, 0 for none. */
  readonly schemaVersion: number;
  /** The whole call, connecting included. Unit: milliseconds. */
  readonly ms: number;
}

/**
 * Applies what is pending, lowest number first, each in a transaction of its own unless its file says otherwise. Safe to call from several
 * processes at once: one does the work, the others wait for it. With nothing to do it reads the folder and the history, and takes no lock.
 * Everything is read, parsed and compared before anything runs.
 *
 * Throws `BulkheadError`: MIGRATION_FOLDER_MISSING, MIGRATION_FOLDER_UNREADABLE, MIGRATION_FILES_INVALID, MIGRATION_HISTORY_DIFFERS, MIGRATION_FAILED,
 * MIGRATION_CANNOT_RESUME, MIGRATION_LOCK_HELD, MIGRATION_CONNECT_FAILED, MIGRATION_POOLER, MIGRATION_WRONG_ROLE,
 * MIGRATION_ABORTED.
 */
export async function migrate(options: MigrateOptions): Promise<MigrateResult> {
  const startedAt = performance.now();
  const { directory, service, readers = [], lockTimeoutMs = LOCK_TIMEOUT_MS, lockWaitMs = LOCK_WAIT_MS } = options;
  const files = await readMigrations(directory);
  return withSession(options, async (session) => {
    const history = await readHistory(session.client);
    const applied: AppliedMigration[] = [];
    let schemaVersion = schemaVersionOf(history);
    if (migrationsToRun(planMigrations(files, history), service).length > 0) {
      await withMigrationLock(
        session,
        async () => {
          await createHistory(session.client, readers);
          // Read again: somebody else may have done the work while we waited for the lock.
          const historyNow = await readHistory(session.client);
          schemaVersion = schemaVersionOf(historyNow);
          const toRun = await Promise.all(
            migrationsToRun(planMigrations(files, historyNow), service).map(async ({ file, row }) => ({ file, row, script: (await readScripts(file)).up })),
          );
          for (const { file, row, script } of toRun) {
            const ms = await applyMigration(session, file, script, row, lockTimeoutMs);
            session.progress(`${service}: applied ${shownPath(file.path)} (${Math.round(ms)} ms)`);
            applied.push({ version: file.version, name: file.name, ms });
            schemaVersion = file.version;
          }
        },
        lockWaitMs,
      );
    }
    return { applied, schemaVersion, ms: performance.now() - startedAt };
  });
}

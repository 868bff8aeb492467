import { readMigrations, shownPath } from "./files";
import { readHistory } from "./history";
import { readInvalidIndexes, shownIndex } from "./invalid-indexes";
import { describeProblem, planMigrations, schemaVersionOf } from "./plan-migrations";
import type { MigrationState, PlannedMigration } from "./plan-migrations";
import { withSession } from "./session";
import type { MigrationTarget } from "./session";

/** One migration as `migrate status` shows it. */
export interface MigrationStatusEntry {
  readonly version: number;
  readonly name: string;
  readonly state: MigrationState;
  /** When it was applied or last tried; null where it never was. */
  readonly appliedAt: Date | null;
  /** How long that took; null where it never ran. Unit: milliseconds. */
  readonly executionMs: number | null;
  /** What is wrong and how to go on; null where nothing is. */
  readonly detail: string | null;
}

/** What `migrationStatus` found. */
export interface MigrationStatus {
  /** The highest number that is applied, 0 for none. */
  readonly schemaVersion: number;
  /** By number: those of the folder and those of the history. */
  readonly migrations: readonly MigrationStatusEntry[];
  /** Indexes that a failed CREATE INDEX CONCURRENTLY left, as written in SQL: used by no query, slowing every write. */
  readonly invalidIndexes: readonly string[];
  /** True where every migration is applied and no index is invalid. */
  readonly ok: boolean;
}

/** Compares folder and database; changes nothing and takes no lock. Throws what `migrate` throws before it runs anything, but no MIGRATION_HISTORY_DIFFERS. */
export async function migrationStatus(options: MigrationTarget & { /** The schema folder. */ readonly directory: string }): Promise<MigrationStatus> {
  const files = await readMigrations(options.directory);
  return withSession(options, async ({ client, service }) => {
    const history = await readHistory(client);
    const invalidIndexes = (await readInvalidIndexes(client)).map(shownIndex);
    const migrations = planMigrations(files, history).map((migration) => entryOf(migration, service));
    return { schemaVersion: schemaVersionOf(history), migrations, invalidIndexes, ok: invalidIndexes.length === 0 && migrations.every(({ state }) => state === "applied") };
  });
}

function entryOf(migration: PlannedMigration, service: string): MigrationStatusEntry {
  const { version, name, state, row } = migration;
  const problem = describeProblem(migration)?.replaceAll("<service>", service);
  return { version, name, state, appliedAt: row?.appliedAt ?? null, executionMs: row?.executionMs ?? null, detail: problem ?? (state === "failed" ? failedDetail(migration, service) : null) };
}

function failedDetail({ row, file }: PlannedMigration, service: string): string {
  const what = row!.error ?? `${shownPath(file!.path)}: interrupted`;
  if (row!.transactional) return `${what}. It was rolled back; mend the file, then: npx bulkhead migrate up ${service}`;
  return `${what}. Statements that lasted: ${row!.statementsDone}. Mend the cause, then go on with it: npx bulkhead migrate up ${service}; or undo it: npx bulkhead migrate rollback ${service}`;
}

import { BulkheadError } from "../errors/bulkhead-error";
import { shownPath } from "./files";
import type { MigrationFile } from "./files";
import type { HistoryRow } from "./history";

/**
 * - `applied`: in the history, its file unchanged;
 * - `pending`: not yet applied, to be run by the next `migrate up`;
 * - `failed`: was begun and did not end well, or its rollback was; the next `migrate up` (or `rollback`) goes on with it;
 * - `edited`: applied, but its file has changed since;
 * - `missing`: applied, but its file is gone;
 * - `out-of-order`: not applied, though one with a higher number is.
 */
export type MigrationState = "applied" | "pending" | "failed" | "edited" | "missing" | "out-of-order";

/** A migration as files and history together say. At least one of `file` and `row` is there. */
export interface PlannedMigration {
  readonly version: number;
  readonly name: string;
  readonly state: MigrationState;
  readonly file: MigrationFile | undefined;
  readonly row: HistoryRow | undefined;
}

/** Compares the files with the history, lowest version first. Pure. */
export function planMigrations(files: readonly MigrationFile[], history: readonly HistoryRow[]): PlannedMigration[] {
  const rows = new Map(history.filter(leftSomething).map((row) => [row.version, row]));
  const attempts = new Map(history.map((row) => [row.version, row]));
  const newest = schemaVersionOf(history);
  const planned = files.map((file): PlannedMigration => {
    const row = rows.get(file.version);
    rows.delete(file.version);
    return { version: file.version, name: file.name, state: stateOf(file, row, attempts.get(file.version), newest), file, row: attempts.get(file.version) };
  });
  for (const row of rows.values()) planned.push({ version: row.version, name: row.name, state: "missing", file: undefined, row });
  return planned.sort((a, b) => a.version - b.version);
}

function stateOf(file: MigrationFile, row: HistoryRow | undefined, attempt: HistoryRow | undefined, newest: number): MigrationState {
  if (row?.state === "applied") return row.checksum === file.checksum ? "applied" : "edited";
  if (row !== undefined) return "failed";
  if (file.version < newest) return "out-of-order";
  return attempt === undefined ? "pending" : "failed";
}

/** False for a failed migration that ran in a transaction: nothing of it is in the database. */
function leftSomething(row: HistoryRow): boolean {
  return row.state === "applied" || !row.transactional;
}

/** The highest version that is applied, or 0. */
export function schemaVersionOf(history: readonly HistoryRow[]): number {
  return history.reduce((newest, { version, state }) => (state === "applied" ? Math.max(newest, version) : newest), 0);
}

/** The migrations that `migrate up` would run, in order. Throws MIGRATION_HISTORY_DIFFERS, naming every file that was edited, is missing or came too late. */
export function migrationsToRun(planned: readonly PlannedMigration[], service: string): (PlannedMigration & { readonly file: MigrationFile })[] {
  const problems = planned.flatMap((migration) => {
    const problem = describeProblem(migration);
    return problem === undefined ? [] : [problem];
  });
  if (problems.length > 0) {
    throw new BulkheadError("MIGRATION_HISTORY_DIFFERS", `The migrations of ${service} do not fit what its database has; nothing was run:\n  ${problems.join("\n  ")}`, {
      hint: `npx bulkhead migrate status ${service}`,
    });
  }
  return planned.filter((migration) => migration.state === "pending" || migration.state === "failed") as (PlannedMigration & { readonly file: MigrationFile })[];
}

/** What keeps `migrate up` from running, and how to mend it; undefined where nothing does. */
export function describeProblem({ state, file, row, version, name }: PlannedMigration): string | undefined {
  const path = file === undefined ? fileNameOf(version, name) : shownPath(file.path);
  if (state === "edited") return `${path}: edited after it was applied; put the applied text back, and write the change as a new migration`;
  if (state === "missing") return `${path}: missing, though it ${row?.state === "applied" ? "is applied" : "was begun"}; bring the file and its rollback back`;
  if (state === "out-of-order") return `${path}: out of order, a higher number is applied; give it the next free number`;
  if (row?.state === "rolling_back") return `${path}: its rollback was begun and is not done; finish it with npx bulkhead migrate rollback <service>`;
  return undefined;
}

/** The usual name of a file that is not there. */
function fileNameOf(version: number, name: string): string {
  return `${String(version).padStart(3, "0")}_${name}.sql`;
}

import type { StoredRow } from "./check-row";
import { entrySizeBytes } from "./journal";
import type { PendingEntry } from "./journal";
import { MemoryDatabaseError } from "./memory-error";
import type { Admit, MemoryState } from "./memory-state";
import type { TableName } from "./rows";

type Values = Readonly<Record<string, unknown>>;

/** One write to one row. */
export type WriteCommand =
  | { readonly operation: "create"; readonly table: TableName; readonly values: Values }
  | { readonly operation: "update"; readonly table: TableName; readonly id: string; readonly values: Values }
  | { readonly operation: "delete"; readonly table: TableName; readonly id: string };

/** The row afterwards (for a delete, before); undefined where there was none to write to. */
export type WriteResult = StoredRow | undefined;

/** What is left for rows, bytes and entries of the journal. */
export interface WriteLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
  readonly journalMax: number;
}

/** The writes of one statement or transaction, on their way to the journal. */
export class WriteLog {
  readonly entries: PendingEntry[] = [];
  sizeBytes = 0;

  add(entry: PendingEntry): void {
    this.entries.push(entry);
    this.sizeBytes += entrySizeBytes(entry);
  }
}

/**
 * Carries out one write, if there is room for it and for its entry in the journal.
 *
 * @throws MemoryDatabaseError of the constraint that is violated; 53400 where something is full. Nothing has changed then
 */
export function applyWrite(state: MemoryState, command: WriteCommand, nowMs: number, limits: WriteLimits, log: WriteLog | undefined): WriteResult {
  const { operation, table } = command;
  const columns = operation === "update" ? Object.keys(command.values) : [];
  const entryFor = (id: string, row: StoredRow | undefined): PendingEntry => ({ at: new Date(nowMs), table, operation, id, row, columns }) as unknown as PendingEntry;
  const admit: Admit = ({ rows, sizeBytes, row }) => {
    const entryBytes = log === undefined ? 0 : log.sizeBytes + entrySizeBytes(entryFor("", row));
    if (rows > 0 && state.rowCount + rows > limits.rowsMax) throw full(table, `${limits.rowsMax} rows`, "rowsMax");
    if (sizeBytes + entryBytes > 0 && state.sizeBytes + sizeBytes + entryBytes > limits.bytesMax && operation !== "delete") throw full(table, "its bytes", "bytesMax");
    if (log !== undefined && log.entries.length >= limits.journalMax) throw full(table, "its journal", "journalMax");
  };
  const done = (row: StoredRow | undefined, id: string, after: StoredRow | undefined): WriteResult => {
    if (row !== undefined) log?.add(entryFor(id, after));
    return row;
  };
  switch (operation) {
    case "create": {
      const row = state.create(table, command.values, nowMs, admit);
      return done(row, row.id, row);
    }
    case "update": {
      const row = state.update(table, command.id, command.values, nowMs, admit);
      return done(row, row?.id ?? "", row);
    }
    case "delete": {
      const row = state.read(table, command.id, nowMs);
      if (row !== undefined) state.delete(table, row.id, nowMs, admit);
      return done(row, row?.id ?? "", undefined);
    }
  }
}

function full(table: TableName, what: string, option: keyof WriteLimits): MemoryDatabaseError {
  return new MemoryDatabaseError("53400", `the database in memory is full (${what}), so the write to "${table}" was refused`, { table, hint: `bring the primary back, delete rows, or raise ${option}` });
}

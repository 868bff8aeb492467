import { randomUUID } from "node:crypto";
import { checkRow, checkedValues } from "./check-row";
import type { StoredRow } from "./check-row";
import { MemoryDatabaseError } from "./memory-error";
import type { TableName } from "./rows";
import { TABLES } from "./tables";

export const TABLE_NAMES = ["users", "apis", "tokens", "otps"] as const satisfies readonly TableName[];

/** Values of a unique column → id of the row that has it. */
type UniqueIndex = ReadonlyMap<string, Map<unknown, string>>;

/** Asked whether there is room for what is about to be written; throws where there is none. */
export type Admit = (growth: { readonly rows: number; readonly sizeBytes: number; readonly row: StoredRow | undefined }) => void;

/** All rows with their indexes, and the constraints between them. Rows are replaced, never changed, so a copy of the state is a copy of the maps. Every method is all or nothing. */
export class MemoryState {
  readonly #rows: Readonly<Record<TableName, Map<string, StoredRow>>>;
  readonly #unique: Readonly<Record<TableName, UniqueIndex>>;
  /** Estimated; of rows only. */
  sizeBytes: number;
  /** No row expires before this moment. */
  #nextExpiryMs: number;

  constructor(from?: MemoryState) {
    const forEach = <T>(make: (table: TableName) => T): Record<TableName, T> => ({ users: make("users"), apis: make("apis"), tokens: make("tokens"), otps: make("otps") });
    this.#rows = forEach((table) => new Map(from === undefined ? [] : from.#rows[table]));
    this.#unique = forEach((table) => new Map(Object.keys(TABLES[table].unique).filter((column) => column !== "id").map((column) => [column, new Map(from === undefined ? [] : from.#unique[table].get(column))])));
    this.sizeBytes = from?.sizeBytes ?? 0;
    this.#nextExpiryMs = from === undefined ? Infinity : from.#nextExpiryMs;
  }

  /** Rows of all tables. */
  get rowCount(): number {
    return TABLE_NAMES.reduce((sum, table) => sum + this.#rows[table].size, 0);
  }

  count(table: TableName): number {
    return this.#rows[table].size;
  }

  /** The row, unless it has expired. */
  read(table: TableName, id: string, nowMs: number): StoredRow | undefined {
    const row = this.#rows[table].get(id.toLowerCase());
    return row === undefined || expiryMs(row) <= nowMs ? undefined : row;
  }

  /** The rows of a table that have not expired, in the order in which they were created. */
  *scan(table: TableName, nowMs: number): Generator<StoredRow> {
    for (const row of this.#rows[table].values()) if (expiryMs(row) > nowMs) yield row;
  }

  /** `admit` is asked before the row is put in. @throws MemoryDatabaseError of the constraint that is violated */
  create(table: TableName, values: Readonly<Record<string, unknown>>, nowMs: number, admit: Admit): StoredRow {
    const given = checkedValues(table, values);
    const row: Record<string, unknown> & { id: string } = { id: typeof given["id"] === "string" ? given["id"] : randomUUID() };
    for (const [name, { fallback }] of Object.entries(TABLES[table].columns)) {
      if (name !== "id") row[name] = name in given ? given[name] : (fallback?.(nowMs) ?? null);
    }
    if (given["id"] === null) throw new MemoryDatabaseError("23502", `null value in column "id" of "${table}" violates its not-null constraint`, { table, column: "id" });
    this.#check(table, row, undefined);
    admit({ rows: 1, sizeBytes: sizeOf(row), row });
    this.#put(table, row);
    return row;
  }

  /** The changed row; undefined where there is none. */
  update(table: TableName, id: string, changes: Readonly<Record<string, unknown>>, nowMs: number, admit: Admit): StoredRow | undefined {
    const given = checkedValues(table, changes);
    const before = this.#rows[table].get(id.toLowerCase());
    if (before === undefined) return undefined;
    if ("id" in given && given["id"] !== before.id) throw new MemoryDatabaseError("0A000", `the id of a row of "${table}" cannot be changed`, { table, column: "id", hint: "create a new row, and delete the old one" });
    const row = touched(table, { ...before, ...given, id: before.id }, nowMs);
    this.#check(table, row, before);
    admit({ rows: 0, sizeBytes: sizeOf(row) - sizeOf(before), row });
    this.#put(table, row);
    return row;
  }

  /** Deletes a row, and what Postgres would delete or detach with it. False where there is none. */
  delete(table: TableName, id: string, nowMs: number, admit: Admit = () => undefined): boolean {
    const row = this.#rows[table].get(id.toLowerCase());
    if (row === undefined) return false;
    admit({ rows: -1, sizeBytes: -sizeOf(row), row: undefined });
    this.#remove(table, row);
    for (const other of TABLE_NAMES) {
      for (const { column, references, onDelete } of TABLES[other].foreignKeys) {
        if (references !== table) continue;
        const referring = [...this.#rows[other].values()].filter((candidate) => candidate[column] === row.id);
        for (const each of referring) {
          if (onDelete === "cascade") this.delete(other, each.id, nowMs);
          else this.#put(other, touched(other, { ...each, [column]: null }, nowMs));
        }
      }
    }
    return true;
  }

  /** Removes what has expired; answers with how many rows. Looks at them only when one can have. */
  removeExpired(nowMs: number): number {
    if (nowMs < this.#nextExpiryMs) return 0;
    let removed = 0;
    this.#nextExpiryMs = Infinity;
    for (const table of ["tokens", "otps"] as const) {
      for (const row of [...this.#rows[table].values()]) {
        if (expiryMs(row) <= nowMs) {
          this.#remove(table, row);
          removed += 1;
        } else this.#nextExpiryMs = Math.min(this.#nextExpiryMs, expiryMs(row));
      }
    }
    return removed;
  }

  /** What Postgres checks, in its order: the row by itself, unique keys, foreign keys. */
  #check(table: TableName, row: StoredRow, before: StoredRow | undefined): void {
    checkRow(table, row);
    const { unique, foreignKeys } = TABLES[table];
    for (const [column, constraint] of Object.entries(unique)) {
      const holder = column === "id" ? (before === undefined && this.#rows[table].has(row.id) ? row.id : undefined) : this.#unique[table].get(column)?.get(row[column]);
      if (holder !== undefined && holder !== before?.id) throw new MemoryDatabaseError("23505", `duplicate key value violates unique constraint "${constraint}"`, { table, constraint });
    }
    for (const { name, column, references } of foreignKeys) {
      const target = row[column];
      if (typeof target === "string" && !this.#rows[references].has(target)) throw new MemoryDatabaseError("23503", `a row of "${table}" violates foreign key constraint "${name}": there is no such row of "${references}"`, { table, constraint: name });
    }
  }

  #put(table: TableName, row: StoredRow): void {
    const before = this.#rows[table].get(row.id);
    for (const [column, index] of this.#unique[table]) {
      if (before !== undefined) index.delete(before[column]);
      index.set(row[column], row.id);
    }
    this.#rows[table].set(row.id, row);
    this.sizeBytes += sizeOf(row) - (before === undefined ? 0 : sizeOf(before));
    this.#nextExpiryMs = Math.min(this.#nextExpiryMs, expiryMs(row));
  }

  #remove(table: TableName, row: StoredRow): void {
    for (const [column, index] of this.#unique[table]) index.delete(row[column]);
    this.#rows[table].delete(row.id);
    this.sizeBytes -= sizeOf(row);
  }
}

/** What the trigger of some tables does on each update. */
function touched(table: TableName, row: StoredRow, nowMs: number): StoredRow {
  const column = TABLES[table].touched;
  return column === undefined ? row : { ...row, [column]: new Date(nowMs) };
}

function expiryMs(row: StoredRow): number {
  const expires = row["expires_at"];
  return expires instanceof Date ? expires.getTime() : Infinity;
}

/** What an entry of a map, a row's object and a value cost in V8, roughly. */
const ROW_BYTES = 200;
const VALUE_BYTES = 24;

/** An estimate, rather too high: strings as UTF-16. */
export function sizeOf(row: Readonly<Record<string, unknown>>): number {
  let sizeBytes = ROW_BYTES;
  for (const value of Object.values(row)) {
    const text = typeof value === "string" ? value : typeof value === "object" && value !== null && !(value instanceof Date) ? JSON.stringify(value) : "";
    sizeBytes += VALUE_BYTES + 2 * text.length;
  }
  return sizeBytes;
}

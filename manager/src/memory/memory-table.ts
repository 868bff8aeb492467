import type { StoredRow } from "./check-row";
import { checkedValues } from "./check-row";
import type { MemoryState } from "./memory-state";
import type { NewRows, RowChanges, Rows, TableName } from "./rows";
import type { WriteCommand, WriteResult } from "./write";

/** How a table reaches the data: as they are committed, or as one transaction sees them. */
export interface TableSession {
  look<T>(read: (state: MemoryState, nowMs: number) => T): T;
  write(command: WriteCommand): Promise<WriteResult>;
}

export interface FindOptions {
  /** Default 100, at most 1,000. */
  readonly limit?: number;
  /** Default 0. */
  readonly offset?: number;
}

/** The four tables. */
export type MemoryTables = { readonly [Name in TableName]: MemoryTable<Name> };

const FIND_MAX = 1_000;

/** One table. What it returns are copies; what is refused is a `MemoryDatabaseError` with Postgres' SQLSTATE and constraint name. */
export class MemoryTable<Name extends TableName> {
  readonly #table: Name;
  readonly #session: TableSession;

  constructor(table: Name, session: TableSession) {
    this.#table = table;
    this.#session = session;
  }

  /** Adds a row; what is not given gets its default. */
  async create(values: NewRows[Name]): Promise<Rows[Name]> {
    const row = await this.#session.write({ operation: "create", table: this.#table, values: values });
    return copyOf(row as StoredRow) as unknown as Rows[Name];
  }

  /** The row with this id; undefined where there is none, or it has expired. */
  async read(id: string): Promise<Rows[Name] | undefined> {
    return this.#session.look((state, nowMs) => {
      const row = state.read(this.#table, id, nowMs);
      return row === undefined ? undefined : (copyOf(row) as unknown as Rows[Name]);
    });
  }

  /** Changes columns of a row; undefined where there is none. */
  async update(id: string, changes: RowChanges<Name>): Promise<Rows[Name] | undefined> {
    const row = await this.#session.write({ operation: "update", table: this.#table, id, values: changes });
    return row === undefined ? undefined : (copyOf(row) as unknown as Rows[Name]);
  }

  /** Deletes a row with what hangs on it; false where there is none. */
  async delete(id: string): Promise<boolean> {
    return (await this.#session.write({ operation: "delete", table: this.#table, id })) !== undefined;
  }

  /** The rows with these values (null meets null), in the order in which they were created. */
  async find(where: Partial<Rows[Name]> = {}, { limit = 100, offset = 0 }: FindOptions = {}): Promise<Rows[Name][]> {
    const most = Math.min(Math.max(0, limit), FIND_MAX);
    return this.#session.look((state, nowMs) => {
      const found: Rows[Name][] = [];
      let skip = Math.max(0, offset);
      for (const row of this.#matching(state, nowMs, where)) {
        if (found.length >= most) break;
        if (skip > 0) skip -= 1;
        else found.push(copyOf(row) as unknown as Rows[Name]);
      }
      return found;
    });
  }

  /** How many rows have these values. */
  async count(where: Partial<Rows[Name]> = {}): Promise<number> {
    return this.#session.look((state, nowMs) => {
      let count = 0;
      for (const row of this.#matching(state, nowMs, where)) count += row.id === "" ? 0 : 1;
      return count;
    });
  }

  *#matching(state: MemoryState, nowMs: number, where: Partial<Rows[Name]>): Generator<StoredRow> {
    const wanted = Object.entries(checkedValues(this.#table, where)).map(([column, value]) => [column, comparable(value)] as const);
    for (const row of state.scan(this.#table, nowMs)) {
      if (wanted.every(([column, value]) => comparable(row[column]) === value)) yield row;
    }
  }
}

/** One object with the four tables on a session. */
export function tablesOf(session: TableSession): MemoryTables {
  return { users: new MemoryTable("users", session), apis: new MemoryTable("apis", session), tokens: new MemoryTable("tokens", session), otps: new MemoryTable("otps", session) };
}

function comparable(value: unknown): unknown {
  if (value instanceof Date) return value.getTime();
  return typeof value === "object" && value !== null ? canonical(value) : value;
}

/** JSON with the keys in order, since jsonb knows none. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === "object" && part !== null && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part));
}

/** Rows are shared between states and with the journal, so nobody outside gets hold of one. */
function copyOf(row: StoredRow): StoredRow {
  return structuredClone(row);
}

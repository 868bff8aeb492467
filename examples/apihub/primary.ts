import type { DatabaseManager, JournalEntry, NewRows, RowChanges, Rows, TableName } from "../../manager/src";

/** For the whole of a request's work on the database. */
const DEADLINE_MS = 5_000;

/** What may be written, by table. Names of columns come into SQL from here only, never from a request. */
const COLUMNS: { readonly [Name in TableName]: readonly (keyof Rows[Name] & string)[] } = {
  users: ["id", "email", "name", "is_active", "created_at"],
  apis: ["id", "owner_id", "name", "base_url", "description", "status", "rate_limit_per_minute", "metadata", "created_at"],
  tokens: ["id", "user_id", "api_id", "token_hash", "scopes", "expires_at", "revoked_at", "last_used_at", "created_at"],
  otps: ["id", "user_id", "purpose", "code_hash", "attempts", "expires_at", "consumed_at", "created_at"],
};
/** Rows of these tables end by themselves. */
const EXPIRING: ReadonlySet<TableName> = new Set(["tokens", "otps"]);

export function isTable(name: string): name is TableName {
  return Object.hasOwn(COLUMNS, name);
}

/** apihub's four tables on Postgres, with the methods of `InMemoryDatabase`. */
export class Primary {
  constructor(readonly database: DatabaseManager) {}

  find<Name extends TableName>(table: Name, limit: number): Promise<Rows[Name][]> {
    return this.#read(`${table}.find`, `SELECT * FROM ${table} WHERE ${alive(table)} ORDER BY created_at, id LIMIT $1`, [limit]);
  }

  async read<Name extends TableName>(table: Name, id: string): Promise<Rows[Name] | undefined> {
    return (await this.#read<Rows[Name]>(`${table}.read`, `SELECT * FROM ${table} WHERE id = $1 AND ${alive(table)}`, [id]))[0];
  }

  async create<Name extends TableName>(table: Name, row: NewRows[Name]): Promise<Rows[Name] | undefined> {
    const { columns, values } = partsOf(table, row);
    return (await this.#write<Rows[Name]>(`${table}.create`, `${insertInto(table, columns)} RETURNING *`, values))[0];
  }

  async update<Name extends TableName>(table: Name, id: string, changes: RowChanges<Name>): Promise<Rows[Name] | undefined> {
    const { columns, values } = partsOf(table, changes);
    if (columns.length === 0) return this.read(table, id);
    return (await this.#write<Rows[Name]>(`${table}.update`, `${updateOf(table, columns)} RETURNING *`, [id, ...values]))[0];
  }

  async delete(table: TableName, id: string): Promise<boolean> {
    return (await this.#write(`${table}.delete`, `DELETE FROM ${table} WHERE id = $1 RETURNING id`, [id])).length > 0;
  }

  /** Writes what was written in memory. Called twice for an entry whose answer was lost, so it comes to the same both times; so each can be one statement without a session. */
  async merge({ table, operation, id, row, columns }: JournalEntry): Promise<void> {
    if (operation === "delete" || row === undefined) return void (await this.database.query(`DELETE FROM ${table} WHERE id = $1`, [id]));
    const written = partsOf(table, row, operation === "update" ? columns : undefined);
    if (operation === "create") return void (await this.database.query(`${insertInto(table, written.columns)} ON CONFLICT (id) DO NOTHING`, written.values));
    if (written.columns.length > 0) await this.database.query(updateOf(table, written.columns), [id, ...written.values]);
  }

  #read<Row extends object>(operation: string, text: string, values: readonly unknown[]): Promise<Row[]> {
    return this.database.executeWithRetry({ operation, readOnly: true, deadlineMs: DEADLINE_MS }, async (session) => (await session.query<Row>(text, [...values])).rows);
  }

  /** Not repeated: a creation without an id of the caller would be another row the second time. */
  #write<Row extends object>(operation: string, text: string, values: readonly unknown[]): Promise<Row[]> {
    return this.database.session({ operation, deadlineMs: DEADLINE_MS }, async (session) => (await session.query<Row>(text, [...values])).rows);
  }
}

function insertInto(table: TableName, columns: readonly string[]): string {
  return columns.length === 0 ? `INSERT INTO ${table} DEFAULT VALUES` : `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map((_, index) => `$${index + 1}`).join(", ")})`;
}

/** $1 is the id. */
function updateOf(table: TableName, columns: readonly string[]): string {
  return `UPDATE ${table} SET ${columns.map((column, index) => `${column} = $${index + 2}`).join(", ")} WHERE id = $1`;
}

function alive(table: TableName): string {
  return EXPIRING.has(table) ? "(expires_at IS NULL OR expires_at > now())" : "true";
}

/** The columns that are given, and may be. */
function partsOf(table: TableName, row: object, only?: readonly string[]): { columns: string[]; values: unknown[] } {
  const columns = COLUMNS[table].filter((column) => Object.hasOwn(row, column) && (only === undefined || only.includes(column)));
  return { columns, values: columns.map((column) => (row as Record<string, unknown>)[column]) };
}

import type { AnyRow, ApiRow, OtpRow, TableName, TokenRow, UserRow } from "./rows";

/** The types of columns, as far as they differ here. */
export type ColumnType = "uuid" | "text" | "boolean" | "integer" | "timestamp" | "object" | "texts";

export interface Column {
  readonly type: ColumnType;
  readonly nullable: boolean;
  /** Where no value is given; undefined: null, which a column that is not nullable refuses. */
  readonly fallback?: (nowMs: number) => unknown;
}

/** A CHECK constraint. Called only with values of the column's type; null satisfies it, as in SQL. */
interface Check {
  readonly name: string;
  readonly holds: (row: object) => boolean;
}

interface ForeignKey {
  readonly name: string;
  readonly column: string;
  readonly references: TableName;
  readonly onDelete: "cascade" | "set null";
}

export interface Table {
  readonly columns: Readonly<Record<string, Column>>;
  /** In the order in which Postgres looks at them: by name. */
  readonly checks: readonly Check[];
  /** Column → name of its unique constraint; `id` is in each. */
  readonly unique: Readonly<Record<string, string>>;
  /** In the order in which Postgres looks at them: as they were declared. */
  readonly foreignKeys: readonly ForeignKey[];
  /** Set to the current time by a trigger on each update. */
  readonly touched: string | undefined;
}

const now = (nowMs: number): Date => new Date(nowMs);
const id: Column = { type: "uuid", nullable: false };
const needed = (type: ColumnType): Column => ({ type, nullable: false });
const optional = (type: ColumnType): Column => ({ type, nullable: true });
const withDefault = (type: ColumnType, fallback: (nowMs: number) => unknown): Column => ({ type, nullable: false, fallback });

/** The row's types were checked before. */
function check<Row extends AnyRow>(name: string, holds: (row: Row) => boolean): Check {
  return { name, holds: (row) => holds(row as Row) };
}

/** `schemas/apihub` once more, for memory; an integration test holds the two against each other. */
export const TABLES: Readonly<Record<TableName, Table>> = {
  users: {
    columns: { id, email: needed("text"), name: optional("text"), is_active: withDefault("boolean", () => true), created_at: withDefault("timestamp", now), updated_at: withDefault("timestamp", now) },
    checks: [check<UserRow>("users_email_check", ({ email }) => email === email.toLowerCase() && /.@./s.test(email) && characters(email) <= 320)],
    unique: { id: "users_pkey", email: "users_email_key" },
    foreignKeys: [],
    touched: "updated_at",
  },
  apis: {
    columns: {
      id,
      owner_id: optional("uuid"),
      name: needed("text"),
      base_url: needed("text"),
      description: withDefault("text", () => ""),
      status: withDefault("text", () => "active"),
      rate_limit_per_minute: optional("integer"),
      metadata: withDefault("object", () => ({})),
      created_at: withDefault("timestamp", now),
      updated_at: withDefault("timestamp", now),
    },
    checks: [
      check<ApiRow>("apis_base_url_check", ({ base_url: url }) => /^https?:\/\//.test(url)),
      check<ApiRow>("apis_name_check", ({ name }) => characters(name) >= 1 && characters(name) <= 200),
      check<ApiRow>("apis_rate_limit_per_minute_check", ({ rate_limit_per_minute: limit }) => limit === null || limit > 0),
      check<ApiRow>("apis_status_check", ({ status }) => ["draft", "active", "deprecated", "retired"].includes(status)),
    ],
    unique: { id: "apis_pkey", name: "apis_name_key" },
    foreignKeys: [{ name: "apis_owner_id_fkey", column: "owner_id", references: "users", onDelete: "set null" }],
    touched: "updated_at",
  },
  tokens: {
    columns: {
      id,
      user_id: needed("uuid"),
      api_id: optional("uuid"),
      token_hash: needed("text"),
      scopes: withDefault("texts", () => []),
      expires_at: optional("timestamp"),
      revoked_at: optional("timestamp"),
      last_used_at: optional("timestamp"),
      created_at: withDefault("timestamp", now),
    },
    checks: [check<TokenRow>("tokens_token_hash_check", ({ token_hash: hash }) => /^[0-9a-f]{64}$/.test(hash))],
    unique: { id: "tokens_pkey", token_hash: "tokens_token_hash_key" },
    foreignKeys: [
      { name: "tokens_user_id_fkey", column: "user_id", references: "users", onDelete: "cascade" },
      { name: "tokens_api_id_fkey", column: "api_id", references: "apis", onDelete: "cascade" },
    ],
    touched: undefined,
  },
  otps: {
    columns: {
      id,
      user_id: needed("uuid"),
      purpose: needed("text"),
      code_hash: needed("text"),
      attempts: withDefault("integer", () => 0),
      expires_at: needed("timestamp"),
      consumed_at: optional("timestamp"),
      created_at: withDefault("timestamp", now),
    },
    checks: [
      check<OtpRow>("otps_attempts_check", ({ attempts }) => attempts >= 0 && attempts <= 5),
      check<OtpRow>("otps_check", ({ expires_at: expires, created_at: created }) => expires > created),
      check<OtpRow>("otps_purpose_check", ({ purpose }) => ["login", "verify_email", "reset_password"].includes(purpose)),
    ],
    unique: { id: "otps_pkey" },
    foreignKeys: [{ name: "otps_user_id_fkey", column: "user_id", references: "users", onDelete: "cascade" }],
    touched: undefined,
  },
};

/** SQL's `length()`: characters, not UTF-16 units. */
function characters(text: string): number {
  return [...text].length;
}

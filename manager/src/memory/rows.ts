/** The rows of apihub's tables, under the names and with the types that node-postgres gives them. */
export interface UserRow {
  readonly id: string;
  /** In lower case. */
  readonly email: string;
  readonly name: string | null;
  readonly is_active: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export type ApiStatus = "draft" | "active" | "deprecated" | "retired";

export interface ApiRow {
  readonly id: string;
  readonly owner_id: string | null;
  readonly name: string;
  readonly base_url: string;
  readonly description: string;
  readonly status: ApiStatus;
  readonly rate_limit_per_minute: number | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface TokenRow {
  readonly id: string;
  readonly user_id: string;
  /** Null: good for every API of its user. */
  readonly api_id: string | null;
  /** SHA-256 in hex. */
  readonly token_hash: string;
  readonly scopes: readonly string[];
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly last_used_at: Date | null;
  readonly created_at: Date;
}

export type OtpPurpose = "login" | "verify_email" | "reset_password";

export interface OtpRow {
  readonly id: string;
  readonly user_id: string;
  readonly purpose: OtpPurpose;
  readonly code_hash: string;
  readonly attempts: number;
  readonly expires_at: Date;
  readonly consumed_at: Date | null;
  readonly created_at: Date;
}

/** Every table with its row. */
export interface Rows {
  readonly users: UserRow;
  readonly apis: ApiRow;
  readonly tokens: TokenRow;
  readonly otps: OtpRow;
}
export type TableName = keyof Rows;
export type AnyRow = Rows[TableName];

/** A row to create: what has no default must be given. */
type NewRow<Row, Needed extends keyof Row> = Pick<Row, Needed> & Partial<Omit<Row, Needed>>;

export interface NewRows {
  readonly users: NewRow<UserRow, "email">;
  readonly apis: NewRow<ApiRow, "name" | "base_url">;
  readonly tokens: NewRow<TokenRow, "user_id" | "token_hash">;
  readonly otps: NewRow<OtpRow, "user_id" | "purpose" | "code_hash" | "expires_at">;
}

/** What may be changed of a row: everything but its id. */
export type RowChanges<Name extends TableName> = Partial<Omit<Rows[Name], "id">>;

import { BulkheadError } from "../errors/bulkhead-error";

/**
 * Refused by the database in memory. `code` is the SQLSTATE and `constraint` the name that Postgres would have given, so that `classifyError` and
 * the application's own handling need not know which of the two answered.
 */
export class MemoryDatabaseError extends BulkheadError {
  readonly table: string | undefined;
  readonly column: string | undefined;
  readonly constraint: string | undefined;

  constructor(code: MemoryErrorCode, message: string, place: { readonly table?: string; readonly column?: string; readonly constraint?: string; readonly hint?: string; readonly cause?: unknown } = {}) {
    const { hint, cause } = place;
    super(code, message, { ...(hint === undefined ? {} : { hint }), ...(cause === undefined ? {} : { cause }) });
    this.table = place.table;
    this.column = place.column;
    this.constraint = place.constraint;
  }
}

/** PostgreSQL documentation, appendix A. */
export type MemoryErrorCode =
  /** unique_violation */
  | "23505"
  /** foreign_key_violation */
  | "23503"
  /** not_null_violation */
  | "23502"
  /** check_violation */
  | "23514"
  /** invalid_text_representation: a value of another type */
  | "22P02"
  /** numeric_value_out_of_range */
  | "22003"
  /** character_not_in_repertoire: NUL, half of a surrogate pair */
  | "22021"
  /** feature_not_supported */
  | "0A000"
  /** undefined_column */
  | "42703"
  /** configuration_limit_exceeded: memory, journal or queue is full */
  | "53400"
  /** active_sql_transaction: used from within its own transaction */
  | "25001"
  /** invalid_transaction_state: a transaction that is over */
  | "25000"
  /** transaction_timeout */
  | "25P04";

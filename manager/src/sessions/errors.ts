import { BulkheadError } from "../errors/bulkhead-error";

/** Every code that a session's or a manager's own errors carry. Errors of the server, the driver and the pool are passed on as they are. */
export type SessionErrorCode =
  /** The session's deadline passed; it was rolled back, or its connection destroyed. */
  | "SESSION_DEADLINE"
  /** The caller's signal fired; nothing was committed. */
  | "SESSION_ABORTED"
  /** The session was used after its end. */
  | "SESSION_ENDED"
  /** An outer session was used, or ended, while a session nested in it was open. */
  | "SESSION_NESTED_ACTIVE"
  /** A session that may write was asked for inside one that may not. */
  | "SESSION_READ_ONLY"
  /** BEGIN, COMMIT or ROLLBACK was sent through a session, which does these itself. */
  | "SESSION_TRANSACTION_CONTROL"
  /** A statement failed, its error was swallowed, and so the server rolled back instead of committing. */
  | "SESSION_NOT_COMMITTED"
  /** The connection was lost, or the deadline passed, after COMMIT was sent. Never retried. */
  | "COMMIT_OUTCOME_UNKNOWN"
  /** ROLLBACK failed; in the integrity alert, the caller gets the error that made it roll back. */
  | "ROLLBACK_FAILED"
  /** The server that should be the primary is a standby. */
  | "PRIMARY_IN_RECOVERY"
  /** A server came back whose history ended when another was promoted. */
  | "PRIMARY_STALE"
  /** The address leads to another cluster than before. */
  | "PRIMARY_OTHER_CLUSTER"
  /** Two servers answer in turn as the primary. */
  | "PRIMARY_SPLIT"
  /** The connection was closed because its server is not the primary any more. */
  | "PRIMARY_CHANGED"
  /** The replica belongs to another cluster, or is none. */
  | "REPLICA_UNUSABLE"
  /** `open` has not been called, or failed. */
  | "MANAGER_NOT_READY"
  | "MANAGER_CLOSED"
  /** The configuration could not be loaded. */
  | "MANAGER_CONFIG_FAILED"
  /** The configuration has no database, only memory. */
  | "MANAGER_NO_DATABASE"
  /** No connection at start. */
  | "MANAGER_CONNECT_FAILED"
  /** `schema.initialize` failed at start. */
  | "MANAGER_SCHEMA_FAILED";

/** An error of a session or of the manager. */
export class SessionError extends BulkheadError {
  declare readonly code: SessionErrorCode;

  constructor(code: SessionErrorCode, message: string, hint?: string, cause?: unknown) {
    super(code, message, { ...(hint === undefined ? {} : { hint }), ...(cause === undefined ? {} : { cause }) });
  }
}

/** A cause with the SQLSTATE that says the same: whoever classifies the error finds it, and not the lost connection underneath, which could be repeated. */
function withSqlstate(sqlstate: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { code: sqlstate });
}

/** The outcome of COMMIT is not known. Its cause has SQLSTATE 08007 (transaction resolution unknown), so `classifyError` says `unknown-outcome`. */
export function commitUnknown(operation: string, cause: unknown): SessionError {
  return new SessionError(
    "COMMIT_OUTCOME_UNKNOWN",
    `Whether the transaction of "${operation}" was committed is unknown: no answer came to its COMMIT. It was not repeated.`,
    "Look in the database whether its effects are there before doing it again.",
    withSqlstate("08007", "transaction resolution unknown", cause),
  );
}

/** A server that must not be written to. Its cause has SQLSTATE 25006 (read-only transaction), so `classifyError` says that another connection may do. */
export function notPrimary(code: "PRIMARY_IN_RECOVERY" | "PRIMARY_STALE", message: string, hint: string): SessionError {
  return new SessionError(code, message, hint, withSqlstate("25006", "the server takes no writes"));
}

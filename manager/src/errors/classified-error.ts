/** What kind of trouble it is, coarse enough to act on; see docs/manager/errors.md for what to do about each. */
export type ErrorClass =
  /** The connection could not be made, or broke. */
  | "connection"
  /** A limit in time ran out: of a statement, a lock, a connection attempt, an idle session. */
  | "timeout"
  /** Somebody asked for the statement to be stopped. */
  | "cancelled"
  | "deadlock"
  /** The transaction ran into another one (also in DDL) and can simply be repeated. */
  | "serialization"
  /** A COMMIT may have happened or not. Never repeated; somebody has to look. */
  | "unknown-outcome"
  /** A login or a privilege is refused. */
  | "permission"
  /** Program and database disagree about tables, columns, types, functions. */
  | "schema"
  | "constraint"
  /** A value that the type or the function does not take. */
  | "data"
  /** The statement itself is wrong, or is used wrongly. */
  | "query"
  /** The transaction or savepoint is in another state than the program believes. */
  | "transaction"
  /** Connections, memory, disk, files or a limit of the program ran out. */
  | "resource"
  /** A setting, address, certificate or database name is wrong. */
  | "configuration"
  /** Data on disk are damaged. */
  | "integrity"
  /** A function of the application raised it (RAISE, ASSERT). */
  | "application"
  /** The server or the driver failed inside. */
  | "internal"
  /** Success, a warning, or no rows: no error at all. */
  | "none"
  /** Nothing is known about it, so nothing is promised. */
  | "unknown";

/** How bad it is for whoever runs the service. */
export type ErrorSeverity = "info" | "warning" | "error" | "critical";

/** What the user of the service notices, where nothing is repeated. */
export type UserImpact = "none" | "delayed" | "request-failed" | "feature-unavailable" | "service-unavailable" | "data-at-risk";

/** What may be repeated: the statement, the whole transaction, or the whole transaction on another connection. */
export type RetryScope = "never" | "statement" | "transaction" | "connection";

/** What an error of one kind means, whatever its text says. */
export interface Verdict {
  readonly class: ErrorClass;
  /** Finer than the class and as stable, e.g. `role-connection-limit`. */
  readonly kind: string;
  readonly severity: ErrorSeverity;
  readonly userImpact: UserImpact;
  readonly retry: RetryScope;
  /** True where a person should hear of the first one; for the rest the `EscalationPolicy` counts. */
  readonly escalate: boolean;
  /** False where the connection it came over must be thrown away. */
  readonly connectionUsable: boolean;
}

/** What `classifyError` says about anything that was thrown. */
export interface ClassifiedError extends Verdict {
  /** Same as `retry !== "never"`: repeating may help and does no harm by itself. Whether a write may be repeated is `retry()`'s question. */
  readonly retryable: boolean;
  /** The SQLSTATE, Node's error code or the library's own; undefined where the error has none, which is usual for node-postgres. */
  readonly code: string | undefined;
  /** What the SQLSTATE means, or the kind in words. */
  readonly meaning: string;
  /** The error's own text without secrets, at most 1,000 characters. */
  readonly message: string;
}

import { types } from "node:util";
import { BulkheadError } from "../errors/bulkhead-error";

/** Every code a pool's own errors carry. Errors of the server and of the driver are passed on as they are. */
export type PoolErrorCode =
  /** No connection within the acquire deadline. `cause` is the last failure to connect, where there was one. */
  | "POOL_ACQUIRE_TIMEOUT"
  /** The wait queue is full. */
  | "POOL_QUEUE_FULL"
  /** The pool is closed or closing. */
  | "POOL_CLOSED"
  /** The caller's AbortSignal fired while it waited. */
  | "POOL_ACQUIRE_ABORTED"
  /** Opening and setting up a connection took longer than the connect deadline. */
  | "POOL_CONNECT_TIMEOUT"
  /** A query did not end within its deadline; its connection was destroyed and its backend asked to stop. */
  | "POOL_QUERY_TIMEOUT"
  /** The connection was lost after COMMIT was sent: the transaction may or may not have been committed. */
  | "POOL_COMMIT_UNKNOWN"
  /** An option has no sense. */
  | "POOL_OPTIONS_INVALID"
  /** What was asked for needs a session, and the pool runs behind a transaction pooler. */
  | "POOL_SESSION_UNSUPPORTED"
  /** `release` was called twice for one loan. */
  | "POOL_DOUBLE_RELEASE"
  /** An idle connection did not answer its validation in time. */
  | "POOL_VALIDATION_TIMEOUT";

/** The pool's counts when the error was made. */
export interface PoolCounts {
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

/** An error of the pool itself. */
export class PoolError extends BulkheadError {
  declare readonly code: PoolErrorCode;
  /** Connections of the pool when it happened; undefined where no pool was involved. */
  readonly total: number | undefined;
  /** Idle connections when it happened. */
  readonly idle: number | undefined;
  /** Callers waiting when it happened. */
  readonly waiting: number | undefined;
  /** The SQLSTATE of the last failure to connect, where the server gave one. */
  readonly sqlstate: string | undefined;

  constructor(code: PoolErrorCode, message: string, details: { hint?: string; cause?: unknown; counts?: PoolCounts } = {}) {
    super(code, message, {
      ...(details.hint === undefined ? {} : { hint: details.hint }),
      ...(details.cause === undefined ? {} : { cause: details.cause }),
    });
    this.total = details.counts?.total;
    this.idle = details.counts?.idle;
    this.waiting = details.counts?.waiting;
    this.sqlstate = sqlstateOf(details.cause);
  }
}

const SQLSTATE = /^[0-9A-Z]{5}$/;

/**
 * The SQLSTATE of an error of the server. Only those have a `severity`: Node's own codes can be five characters too (`EPIPE`).
 */
export function sqlstateOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { code, severity, sqlstate } = error as { code?: unknown; severity?: unknown; sqlstate?: unknown };
  if (typeof code === "string" && typeof severity === "string" && SQLSTATE.test(code)) return code;
  return typeof sqlstate === "string" ? sqlstate : undefined;
}

/** Node's code of a socket or DNS error. Of several addresses tried (AggregateError), the first that has one. */
function systemCodeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  if (typeof code === "string") return code;
  return Array.isArray(errors) ? errors.map(systemCodeOf).find((found) => found !== undefined) : undefined;
}

const UNREACHABLE_CODES = new Set([
  "ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "EHOSTDOWN", "ENETUNREACH", "ENETDOWN", "ENOTFOUND", "EAI_AGAIN", "ENOENT",
  "POOL_CONNECT_TIMEOUT", "POOL_VALIDATION_TIMEOUT",
]);
/** admin_shutdown, crash_shutdown, cannot_connect_now, and the connection exceptions (poolers raise 08xxx themselves). */
const UNREACHABLE_SQLSTATES = new Set(["57P01", "57P02", "57P03", "08000", "08001", "08003", "08004", "08006"]);
/**
 * PgBouncer has one SQLSTATE for all that it says itself, and its words (1.18) tell its server's absence from its own lack of room, and both from a mistake of the client.
 */
const POOLER_SQLSTATE = "08P01";
const POOLER_UNREACHABLE = /server login has been failing|server_login_retry|server conn crashed|cannot connect to server|client_login_timeout \(server down\)|server DNS lookup failed/;
const POOLER_FULL = /no more connections allowed|query_wait_timeout/;
/** What node-postgres says without any code. */
const UNREACHABLE_MESSAGES = new Set(["Connection terminated unexpectedly", "Connection terminated", "timeout expired"]);

/** Whether a failure to connect means "not there just now", so that waiting and trying again has sense. A wrong password, say, does not. */
export function isUnreachable(error: unknown): boolean {
  const sqlstate = sqlstateOf(error);
  if (sqlstate !== undefined) return UNREACHABLE_SQLSTATES.has(sqlstate) || poolerSays(POOLER_UNREACHABLE, error);
  const code = systemCodeOf(error);
  if (code !== undefined) return UNREACHABLE_CODES.has(code);
  return isError(error) && UNREACHABLE_MESSAGES.has(error.message);
}

/** Of FATAL errors only; these are named since the word is in the server's language: administrator, crash, start-up, database dropped, and the time-outs of idle sessions and of transactions. */
const LAST_WORDS = new Set(["57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25P04"]);

/** Whether a message of the server is its last on a connection: it closes it after this. */
export function isLastWord({ code, severity }: { readonly code?: string | undefined; readonly severity?: string | undefined }): boolean {
  return severity === "FATAL" || severity === "PANIC" || (code !== undefined && LAST_WORDS.has(code));
}

const AUTHENTICATION_SQLSTATES = new Set(["28P01", "28000"]);

/** "Too many clients", of the server, the role, the database or PgBouncer. */
export function isTooManyClients(error: unknown): boolean {
  return sqlstateOf(error) === "53300" || poolerSays(POOLER_FULL, error);
}

function poolerSays(words: RegExp, error: unknown): boolean {
  return sqlstateOf(error) === POOLER_SQLSTATE && isError(error) && words.test(error.message);
}

/** A refused login: its password or token (28P01), or the user itself, which may not log in (28000; also how RDS says that an IAM token has expired). */
export function isAuthenticationFailure(error: unknown): boolean {
  return AUTHENTICATION_SQLSTATES.has(sqlstateOf(error) ?? "");
}

/** Whether it is an Error, also of another realm (a vm context, a test runner's). */
export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error;
}

/** Anything that was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(String(thrown), { cause: thrown });
}

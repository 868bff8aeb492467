import { Query } from "pg";
import type { Client } from "pg";
import { now } from "./alarm";
import type { Connection } from "./connection";
import { PoolError, sqlstateOf, toError } from "./errors";
import type { GuardedObserver } from "./observer";
import type { PoolState } from "./state";

type Callback = (error: Error | null, result?: unknown) => void;
type AnyQuery = (config: unknown, values?: unknown, callback?: unknown) => unknown;

interface QueryLike {
  readonly text?: string;
  readonly name?: string;
  readonly query_timeout?: number;
  readonly submit?: unknown;
  callback?: Callback;
}

/**
 * Puts the pool between a client and its queries: each has a deadline from the moment it is sent, and COMMIT tells "failed" from
 * "unknown". Nothing is added to a query's own path but a look at the clock; its end is seen from the protocol (ReadyForQuery), so
 * promises, callbacks, cursors and streams are all covered.
 */
export function instrumentQueries(connection: Connection, client: Client, pool: PoolState): void {
  // Behind a transaction pooler a named statement would be looked for on a server connection that never saw it.
  const withoutNames = pool.settings.pooler === "transaction";
  const own = Object.getOwnPropertyDescriptor(client, "query")?.value as AnyQuery | undefined;
  const prototype = Object.getPrototypeOf(client) as { query: AnyQuery };
  const run = (config: unknown, values: unknown, callback: unknown): unknown => (own ?? prototype.query).call(client, config, values, callback);

  const query: AnyQuery = (config, values, callback) => {
    if (typeof config !== "string" && (typeof config !== "object" || config === null)) return run(config, values, callback);
    let timeoutMs = pool.settings.queryTimeoutMs;
    let text: string;
    if (typeof config === "string") {
      text = config;
    } else {
      const query = config as QueryLike;
      text = query.text ?? "";
      if (typeof query.submit === "function") {
        // A cursor or a stream is read at its reader's pace.
        if (!(query instanceof Query)) timeoutMs = Infinity;
      } else if (query.query_timeout !== undefined || (withoutNames && query.name !== undefined)) {
        // pg's own query_timeout gives the caller an error and leaves the query running on the connection.
        const { query_timeout, name, ...rest } = query;
        if (query_timeout) timeoutMs = query_timeout;
        config = withoutNames || name === undefined ? rest : { ...rest, name };
      }
    }
    const startedAt = now();
    if (connection.busy) {
      connection.queryTimeoutMs = Math.max(connection.queryTimeoutMs, timeoutMs);
    } else {
      connection.queryStartedAt = startedAt;
      connection.queryTimeoutMs = timeoutMs;
      connection.postponed = false;
      pool.alarm.arm(startedAt + timeoutMs);
    }
    const { observer } = pool;
    const commits = isCommit(text);
    if (observer === undefined && !commits) return run(config, values, callback);
    // The way of pool.query: one closure, since everything here counts for each query.
    if (typeof callback === "function") {
      return run(config, values, (error: Error | null | undefined, result: unknown) => {
        const outcome = ended(connection, observer, text, commits, startedAt, error ?? undefined, result);
        if (outcome === undefined) (callback as Callback)(null, result);
        else (callback as Callback)(outcome);
      });
    }
    return observed(run, config, values, (error, result) => ended(connection, observer, text, commits, startedAt, error, result));
  };
  (client as unknown as { query: AnyQuery }).query = query;
}

/** Tells of a query that ended. The error that its caller gets. */
function ended({ heardAt }: Connection, observer: GuardedObserver | undefined, text: string, commits: boolean, startedAt: number, error: Error | undefined, result: unknown): Error | undefined {
  const outcome = commits && error !== undefined ? commitError(error) : error;
  if (observer !== undefined) {
    // A result comes with ReadyForQuery, whose moment is known; an error comes before it.
    const nowMs = error === undefined && heardAt >= startedAt ? heardAt : now();
    observer.onQuery(text, nowMs - startedAt, outcome, (result as { rowCount?: number | null } | undefined)?.rowCount ?? undefined, nowMs);
  }
  return outcome;
}

/** Runs a query whose callback is not its last argument and lets `end` see, and change, the error it ends with. */
function observed(
  run: AnyQuery,
  config: unknown,
  values: unknown,
  end: (error: Error | undefined, result?: unknown) => Error | undefined,
): unknown {
  const wrap = (inner: Callback): Callback => (error, result) => {
    const outcome = end(error === null || error === undefined ? undefined : error, result);
    if (outcome === undefined) inner(null, result);
    else inner(outcome);
  };
  if (typeof values === "function") return run(config, wrap(values as Callback), undefined);
  const given = config as QueryLike;
  if (typeof given.callback === "function" && typeof config === "object") {
    const inner = given.callback;
    if (typeof given.submit !== "function") return run({ ...given, callback: wrap(inner) }, values, undefined);
    given.callback = wrap(inner);
  }
  const result = run(config, values, undefined) as PromiseLike<unknown> | undefined;
  if (typeof given.submit === "function" || typeof result?.then !== "function") return result;
  return result.then(
    (value) => {
      end(undefined, value);
      return value;
    },
    (error: unknown) => {
      throw end(toError(error)) ?? toError(error);
    },
  );
}

const COMMIT = /^\s*(?:commit|end|prepare\s+transaction)\b/i;

/** Whether a statement ends a transaction for good. The first character decides for nearly all others. */
export function isCommit(text: string): boolean {
  const first = text.charCodeAt(0) | 0x20;
  // c, e, p, or anything that may be white space
  return (first === 0x63 || first === 0x65 || first === 0x70 || first <= 0x2d) && COMMIT.test(text);
}

/** The driver had not sent it: the transaction ended with its connection, uncommitted. */
const NEVER_SENT = /not queryable/;

/**
 * What a COMMIT's error means. An answer of the server is its word that nothing was committed, except where it says that the connection ends
 * (08xxx, 57P01, 57P02) or that it does not know (40003). No answer means that the outcome is unknown.
 */
export function commitError(error: Error): Error {
  const sqlstate = sqlstateOf(error);
  const answered = sqlstate !== undefined && !sqlstate.startsWith("08") && sqlstate !== "57P01" && sqlstate !== "57P02" && sqlstate !== "40003";
  if (answered || NEVER_SENT.test(error.message)) return error;
  return new PoolError("POOL_COMMIT_UNKNOWN", "The connection was lost after COMMIT was sent: whether the transaction was committed is unknown, and it was not repeated.", {
    hint: "Look in the database whether its effects are there before doing it again.",
    cause: error,
  });
}

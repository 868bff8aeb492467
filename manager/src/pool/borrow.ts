import type { PoolClient } from "pg";
import { now } from "./alarm";
import type { Connection } from "./connection";
import type { PoolCore } from "./core";
import { PoolError } from "./errors";
import type { Priority } from "./queue";
import type { Waiter } from "./state";

/** How a connection is wanted. */
export interface AcquireOptions {
  /** Default "normal". */
  readonly priority?: Priority | undefined;
  /** For whom; counts against `maxPerUser`. */
  readonly user?: string | undefined;
  /** Milliseconds to wait. Default and floor as for the pool's `acquireTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** The borrower may change the session (SET, LISTEN, advisory locks, temporary tables): on return everything is discarded. Default false. */
  readonly session?: boolean | undefined;
  /** Stops waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** Finds a connection now or queues. One of the two functions is called, once. */
export function borrow(core: PoolCore, options: AcquireOptions, granted: (connection: Connection) => void, refused: (error: Error) => void): void {
  if (core.endsAt !== undefined) return refused(core.error("POOL_CLOSED", "Cannot use a pool after calling end on the pool"));
  const { user, session = false, signal } = options;
  if (session && core.settings.pooler === "transaction") {
    return refused(core.error("POOL_SESSION_UNSUPPORTED", `Pool "${core.settings.name}" is behind a transaction pooler, which has no sessions.`, "Use SET LOCAL and transaction-level advisory locks inside a transaction, or a direct URL."));
  }
  const nowMs = now();
  const site = core.leaks.site(nowMs);
  const grant = (connection: Connection): void => {
    connection.acquireSite = site;
    (connection.client as PoolClient).release = releaser(core, connection);
    granted(connection);
  };
  if (core.queue.size === 0 && core.mayServe(user)) {
    const connection = core.takeIdle(nowMs);
    if (connection !== undefined) {
      core.lend(connection, user, session, 0, nowMs);
      return grant(connection);
    }
  }
  const onAbort = (): void => {
    if (!core.queue.delete(waiter)) return;
    waiter.refused(core.error("POOL_ACQUIRE_ABORTED", "The caller stopped waiting for a connection.", undefined, signal?.reason));
    core.pump(now());
  };
  const waiter: Waiter = {
    priority: options.priority ?? "normal",
    since: nowMs,
    user,
    session,
    place: undefined,
    deadline: nowMs + (options.timeoutMs ?? core.settings.acquireTimeoutMs),
    granted: (connection) => {
      signal?.removeEventListener("abort", onAbort);
      grant(connection);
    },
    refused: (error) => {
      signal?.removeEventListener("abort", onAbort);
      core.observer?.onAcquireError(now() - nowMs, error);
      refused(error);
    },
  };
  if (signal?.aborted) return waiter.refused(core.error("POOL_ACQUIRE_ABORTED", "The caller stopped waiting for a connection.", undefined, signal.reason));
  signal?.addEventListener("abort", onAbort, { once: true });
  core.wait(waiter);
}

/** The function that gives a loan back, once. */
function releaser(core: PoolCore, connection: Connection): (error?: Error | boolean) => void {
  let released = false;
  return (error) => {
    if (released) throw new PoolError("POOL_DOUBLE_RELEASE", "Release called on client which has already been released to the pool.", { hint: "Release each client once, in a finally." });
    released = true;
    core.takeBack(connection, error);
  };
}

import type { Priority } from "../pool";

/** How a session is wanted. */
export interface SessionOptions {
  /** What it is for, e.g. `order.create`: names it in events, metrics and errors. Default "unnamed". */
  readonly operation?: string | undefined;
  /** For whom; counts against the pool's `maxPerUser`. */
  readonly user?: string | undefined;
  /** Of waiting for a connection. Default "normal". */
  readonly priority?: Priority | undefined;
  /** `BEGIN READ ONLY`, on the replica where one is fresh enough, else on the primary. Such a session may be run a second time, on the primary. Default false. */
  readonly readOnly?: boolean | undefined;
  /** Milliseconds for everything: waiting for a connection, the function, COMMIT. Default 30,000, floor 1, at most 1,900,000,000. In a nested session it can only shorten the outer one's. */
  readonly deadlineMs?: number | undefined;
  /** Doing it twice is as good as once: lets `executeWithRetry` repeat it after a lost connection too. An unknown COMMIT is never repeated. Default false. */
  readonly idempotent?: boolean | undefined;
  /** Ends the session: what runs is cancelled and rolled back. Ignored once COMMIT was sent. */
  readonly signal?: AbortSignal | undefined;
  /** Default: the server's, normally read committed. */
  readonly isolation?: "read committed" | "repeatable read" | "serializable" | undefined;
}

/** The options with their defaults. */
export interface ResolvedSessionOptions extends SessionOptions {
  readonly operation: string;
  readonly readOnly: boolean;
  readonly deadlineMs: number;
}

const DEFAULT_DEADLINE_MS = 30_000;
/** Node's timers run over at 2^31 ms. */
const DEADLINE_MAX_MS = 1_900_000_000;

/** Fills in the defaults. @throws RangeError for a deadline without sense */
export function resolveSessionOptions(options: SessionOptions): ResolvedSessionOptions {
  const { operation = "unnamed", readOnly = false, deadlineMs = DEFAULT_DEADLINE_MS } = options;
  if (!(deadlineMs >= 1 && deadlineMs <= DEADLINE_MAX_MS)) throw new RangeError(`deadlineMs must be from 1 to ${DEADLINE_MAX_MS}; it is ${deadlineMs}`);
  return { ...options, operation, readOnly, deadlineMs };
}

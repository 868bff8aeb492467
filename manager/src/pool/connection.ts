import type { Client } from "pg";

/**
 * Where a connection is. `opening → idle ⇄ lent`, with `validating` on the way out, `returning` (waiting for a query to end, rolling back, discarding)
 * on the way in, and `closed` from anywhere.
 */
export type ConnectionState = "opening" | "idle" | "validating" | "lent" | "returning" | "closed";

/**
 * What the pool looks at inside a pg client. node-postgres has no public names for the first four; pg-pool reads them too. The version
 * of pg is pinned, and a test holds their meaning.
 */
export interface ClientInternals {
  _queryable?: boolean;
  readonly _ending?: boolean;
  readonly _activeQuery?: unknown;
  readonly readyForQuery?: boolean;
  readonly processID?: number | null;
  readonly secretKey?: number | null;
  readonly connection?: ConnectionInternals;
  getTransactionStatus?: () => "I" | "T" | "E" | null;
  ref?: () => void;
  unref?: () => void;
}

/** pg's protocol connection. A prepared statement that the server has forgotten must be forgotten here too. */
export interface ConnectionInternals {
  readonly stream: { destroy(error?: Error): void; readonly destroyed?: boolean };
  readonly ssl?: unknown;
  readonly sslNegotiation?: "postgres" | "direct";
  parsedStatements: Record<string, string>;
  submittedNamedStatements: Record<string, string>;
  on(event: string, listener: (...args: never[]) => void): void;
  prependListener(event: string, listener: (...args: never[]) => void): void;
  emit(event: "error", error: Error): boolean;
}

/** One connection of the pool: its client, its state, and the moments that matter. Times are on the clock of `now()`. */
export class Connection {
  state: ConnectionState = "opening";
  /** When the present state began. */
  stateSince: number;
  /** When the present state must have ended; Infinity where it may last. */
  deadline = Infinity;
  /** Whether `deadline` was already moved once because the event loop was blocked. */
  postponed = false;
  /** When the server last gave a sign of life on it. */
  heardAt = -Infinity;
  /** It was opened or checked a moment ago, for a caller that waits: it is not checked again before that one has it. */
  justChecked = false;
  /** When the running query was sent; 0 while none is running. */
  queryStartedAt = 0;
  /** How long the running query may take, in milliseconds. */
  queryTimeoutMs = Infinity;
  /** A CancelRequest for its backend is under way: its socket stays open until this is settled. Never rejects. */
  cancelling: Promise<Error | undefined> | undefined;
  /** When it must not be lent any more. */
  expiresAt = Infinity;
  expired = false;
  /** Its client reported an error: whatever happens, it is not lent again. */
  broken: Error | undefined;
  uses = 0;
  /** The user that it logged in as, where the pool reads it with the password. */
  login: string | undefined;
  /** The pool logs in as another user meanwhile: it is not lent again. */
  formerLogin = false;
  /** The last borrower asked for a session: nothing of it may be inherited. */
  dirty = false;
  user: string | undefined;
  /** Where it was acquired, when the leak detector was listening. */
  acquireSite: Error | undefined;
  leakReported = false;
  /** Called once when the server is ready for the next query and none is waiting. */
  onReady: (() => void) | undefined;
  /** Ends the work of the present state when the connection is closed meanwhile. */
  onClosed: ((error: Error) => void) | undefined;

  constructor(
    public client: Client,
    nowMs: number,
  ) {
    this.stateSince = nowMs;
  }

  get internals(): ClientInternals {
    return this.client as unknown as ClientInternals;
  }

  move(state: ConnectionState, nowMs: number, deadline = Infinity): void {
    this.state = state;
    this.stateSince = nowMs;
    this.deadline = deadline;
    this.postponed = false;
  }

  /** Tells who waits for the end of the running query. */
  ready(): void {
    const { onReady } = this;
    this.onReady = undefined;
    onReady?.();
  }

  /** A query is running or queued. */
  get busy(): boolean {
    return this.internals.readyForQuery === false;
  }

  /** It can still run queries, as far as the driver knows. */
  get usable(): boolean {
    const client = this.internals;
    return this.broken === undefined && client._queryable !== false && client._ending !== true;
  }

  /** "I" = no transaction. Clients that do not tell count as that. */
  get transactionStatus(): "I" | "T" | "E" {
    return this.internals.getTransactionStatus?.() ?? "I";
  }

  /** When the running query must have ended; Infinity while there is none. */
  get queryDeadline(): number {
    return this.queryStartedAt === 0 || !this.busy ? Infinity : this.queryStartedAt + this.queryTimeoutMs;
  }
}

/** How long a goodbye may take before the socket is destroyed, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1000;

/** Ends a client: with a goodbye where `politely`, and by destroying the socket at the latest after a second. Calls back once. */
export function closeClient(client: Client, politely: boolean, done: () => void): void {
  let finished = false;
  const finish = (): void => {
    if (finished) return;
    finished = true;
    clearTimeout(timer);
    done();
  };
  const timer = setTimeout(() => {
    destroySocket(client);
    finish();
  }, CLOSE_TIMEOUT_MS);
  timer.unref();
  if (!politely) destroySocket(client);
  try {
    // Clients of other makers may have no end().
    const end = (client as Partial<Client>).end;
    if (end === undefined) finish();
    else end.call(client, finish);
  } catch {
    finish();
  }
}

/** Destroys a client's socket; the client's running query fails with `error`, or as the driver words it. */
export function destroySocket(client: Client, error?: Error): void {
  const stream = (client as unknown as ClientInternals).connection?.stream;
  if (stream !== undefined && stream.destroyed !== true) stream.destroy(error);
}

import { EventEmitter } from "node:events";
import pg from "pg";
import type { Client, PoolClient, QueryArrayConfig, QueryArrayResult, QueryConfig, QueryConfigValues, QueryResult, QueryResultRow, Submittable } from "pg";
import { borrow } from "./borrow";
import type { AcquireOptions } from "./borrow";
import { cutOff } from "./cancel";
import { destroySocket } from "./connection";
import type { Connection } from "./connection";
import { PoolCore } from "./core";
import { sqlstateOf, toError } from "./errors";
import { GuardedObserver } from "./observer";
import type { PoolObserver, PoolStats } from "./observer";
import { resolveOptions } from "./options";
import type { ClientConstructor, PoolOptions } from "./options";
import { shutDown } from "./shutdown";

/** How a pool is closed. */
export interface EndOptions {
  /** Milliseconds that lent connections have to come back before they are destroyed. Default `shutdownGraceMs`. */
  readonly graceMs?: number | undefined;
}

type ConnectCallback = (error: Error | undefined, client: PoolClient | undefined, done: (release?: Error | boolean) => void) => void;
type QueryCallback = (error: Error | undefined, result?: unknown) => void;

const NOT_ACQUIRED = (): void => undefined;

/**
 * A pool of connections with the interface of node-postgres' `Pool`. It emits, as that does, "connect", "acquire", "release", "remove" and
 * "error"; unlike that it does not need a listener for "error".
 *
 * No wait is without an end: see `PoolOptions` for each deadline. Its own errors are `PoolError`s with a code; errors of the server and the driver are passed on.
 */
export class Pool extends EventEmitter {
  /** The options as given, with pg-pool's defaults filled in. The password is not enumerable. */
  readonly options: PoolOptions & { max: number; min: number; maxUses: number; allowExitOnIdle: boolean; maxLifetimeSeconds: number; idleTimeoutMillis: number | null };
  /** The class of the clients. */
  readonly Client: ClientConstructor;
  readonly log: (...messages: unknown[]) => void;
  /** `end` was called. */
  ending = false;
  /** Every connection is closed. */
  ended = false;
  private readonly core: PoolCore;
  private readonly PromiseClass: PromiseConstructor;
  private ended_: Promise<void> | undefined;

  /** @throws PoolError POOL_OPTIONS_INVALID */
  constructor(options: PoolOptions = {}, ClientClass?: ClientConstructor) {
    super();
    const settings = resolveOptions(options);
    const { password, ...visible } = options;
    this.options = {
      ...visible,
      max: settings.max,
      min: settings.min,
      maxUses: settings.maxUses,
      allowExitOnIdle: settings.allowExitOnIdle,
      maxLifetimeSeconds: settings.maxLifetimeMs / 1000,
      idleTimeoutMillis: settings.idleTimeoutMs,
    };
    if ("password" in options) Object.defineProperty(this.options, "password", { value: password, configurable: true, enumerable: false, writable: true });
    this.log = options.log ?? (() => undefined);
    this.Client = options.Client ?? ClientClass ?? pg.Client;
    this.PromiseClass = (options.Promise ?? Promise) as PromiseConstructor;
    this.core = new PoolCore(options, settings, this.Client, this, this.log);
    if (options.observer !== undefined) this.observe(options.observer);
  }

  /** Connections that count against `max`. */
  get totalCount(): number {
    return this.core.connections.size;
  }

  get idleCount(): number {
    return this.core.idle.length;
  }

  /** Callers in the queue. */
  get waitingCount(): number {
    return this.core.queue.size;
  }

  /** Connections past their lifetime that are still lent. */
  get expiredCount(): number {
    let count = 0;
    for (const { expired } of this.core.connections) if (expired) count++;
    return count;
  }

  /** The clients of all connections: pg-pool's private list, which programs read. */
  get _clients(): Client[] {
    return Array.from(this.core.connections, ({ client }) => client);
  }

  /**
   * Destroys the connections whose client `which` picks, lent ones and those still being set up too: for whoever learns that their server must not be used. What runs on one fails with
   * the error that `reason` makes for it. Each leaves the pool as a broken connection does.
   */
  destroy(which: (client: Client) => boolean, reason: () => Error): void {
    for (const { client } of [...this.core.connections]) if (which(client)) destroySocket(client, reason());
  }

  /**
   * Ends what runs on a lent client: its caller gets `error` at once, the backend a CancelRequest. The socket is destroyed when the server has taken that, or after a second (PgBouncer
   * finds the backend by the client's socket). The connection leaves the pool as a broken one does; give the client back all the same.
   */
  cancel(client: Client, error: Error): void {
    for (const connection of this.core.connections) if (connection.client === client) void cutOff(connection, error, this.options.stream);
  }

  /** What the pool holds now. */
  stats(): PoolStats {
    return this.core.stats();
  }

  /** Tells `observer` from now on what happens; undefined tells nobody. */
  observe(observer: PoolObserver | undefined): void {
    this.core.observer = observer === undefined ? undefined : new GuardedObserver(observer);
  }

  /**
   * Lends a client; give it back with its `release()`. With a callback, returns nothing.
   *
   * @throws PoolError POOL_ACQUIRE_TIMEOUT, POOL_QUEUE_FULL, POOL_CLOSED; or what connecting failed with
   */
  connect(): Promise<PoolClient>;
  connect(callback: ConnectCallback): void;
  connect(callback?: ConnectCallback): Promise<PoolClient> | void {
    if (callback === undefined) return this.acquire();
    const start = ({ client }: Connection): void => {
      const { release } = client as unknown as { release: (error?: Error | boolean) => void };
      callback(undefined, client as PoolClient, release);
    };
    borrow(
      this.core,
      {},
      (connection) => process.nextTick(start, connection),
      (error) => process.nextTick(callback, error, undefined, NOT_ACQUIRED),
    );
  }

  /**
   * `connect` with a priority, a user key, a deadline or a signal of its own, or for a session.
   *
   * @throws PoolError as `connect`, and POOL_ACQUIRE_ABORTED, POOL_SESSION_UNSUPPORTED
   */
  acquire(options: AcquireOptions = {}): Promise<PoolClient> {
    return new this.PromiseClass<PoolClient>((resolve, reject) => {
      borrow(this.core, options, (connection) => resolve(connection.client as PoolClient), reject);
    });
  }

  /**
   * Runs one query on any connection. A cursor or a stream is returned at once and gives its connection back at its end.
   *
   * @throws as `connect`, and what the query fails with
   */
  query<T extends Submittable>(query: T): T;
  query<R extends unknown[] = unknown[], I = unknown[]>(config: QueryArrayConfig<I>, values?: QueryConfigValues<I>): Promise<QueryArrayResult<R>>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as in node-postgres' types, which programs rely on
  query<R extends QueryResultRow = any, I = any[]>(textOrConfig: string | QueryConfig<I>, values?: QueryConfigValues<I>): Promise<QueryResult<R>>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  query<R extends QueryResultRow = any, I = any[]>(textOrConfig: string | QueryConfig<I>, callback: (error: Error, result: QueryResult<R>) => void): void;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  query<R extends QueryResultRow = any, I = any[]>(text: string, values: QueryConfigValues<I>, callback: (error: Error, result: QueryResult<R>) => void): void;
  query(text: unknown, values?: unknown, callback?: unknown): unknown {
    if (typeof values === "function") {
      callback = values;
      values = undefined;
    }
    if (typeof text === "function") {
      setImmediate(text as QueryCallback, new Error("Passing a function as the first parameter to pool.query is not supported"));
      return undefined;
    }
    if (callback !== undefined) {
      this.runQuery(text, values, callback as QueryCallback);
      return undefined;
    }
    if (typeof (text as Submittable | undefined)?.submit === "function") return this.submit(text as Submittable & EventEmitter);
    return new this.PromiseClass((resolve, reject) => {
      this.runQuery(text, values, (error, result) => (error ? reject(error) : resolve(result)));
    }).catch((error: Error) => {
      // Where the caller awaits says more than where the socket was read.
      Error.captureStackTrace(error);
      throw error;
    });
  }

  /**
   * Closes the pool: nobody is let in any more, who waits is refused, except for callers whose connection is already being opened; lent
   * connections have `graceMs` to come back and are then destroyed. Always ends. A second call is an error, as in pg-pool; `close` is not.
   */
  end(options?: EndOptions): Promise<void>;
  end(callback: (error?: Error) => void): void;
  end(options?: EndOptions | ((error?: Error) => void)): Promise<void> | void {
    const callback = typeof options === "function" ? options : undefined;
    const graceMs = (typeof options === "object" ? options.graceMs : undefined) ?? this.core.settings.shutdownGraceMs;
    if (this.ending) {
      const error = this.core.error("POOL_CLOSED", "Called end on pool more than once");
      if (callback === undefined) return this.PromiseClass.reject(error);
      process.nextTick(callback, error);
      return undefined;
    }
    this.ending = true;
    this.ended_ = new this.PromiseClass<void>((resolve) => {
      shutDown(this.core, graceMs, () => {
        this.ended = true;
        resolve();
      });
    });
    if (callback === undefined) return this.ended_;
    void this.ended_.then(() => callback());
  }

  /** `end`, for as many callers as like: all wait for the same end. */
  close(options: EndOptions = {}): Promise<void> {
    return this.ended_ ?? this.end(options);
  }

  private runQuery(text: unknown, values: unknown, callback: QueryCallback): void {
    borrow(
      this.core,
      {},
      (connection) => {
        const client = connection.client as PoolClient;
        let ended = false;
        const end = (error: Error | null | undefined, result?: unknown): void => {
          if (ended) return;
          ended = true;
          client.release(error && !this.survives(error) ? error : undefined);
          if (error) callback(error);
          else callback(undefined, result);
        };
        try {
          (client.query as (...args: unknown[]) => void).call(client, text, values, end);
        } catch (error) {
          process.nextTick(end, toError(error));
        }
      },
      (error) => process.nextTick(callback, error),
    );
  }

  /** Whether a connection is as good as before after a query failed with this error. */
  private survives(error: Error): boolean {
    return this.core.settings.keepOnQueryError && sqlstateOf(error) !== undefined && (error as { severity?: string }).severity === "ERROR";
  }

  /** Lends a connection to a cursor or a stream until the server is ready for the next query. */
  private submit<T extends Submittable & EventEmitter>(query: T): T {
    borrow(
      this.core,
      {},
      (connection) => {
        const { client } = connection;
        connection.onReady = () => (client as PoolClient).release(connection.broken);
        client.query(query);
      },
      (error) => {
        const told = query as { destroy?: (error: Error) => void; handleError?: (error: Error, connection: unknown) => void };
        if (told.destroy !== undefined) told.destroy(error);
        else told.handleError?.(error, NO_CONNECTION);
      },
    );
    return query;
  }
}

// Programs ask `instanceof pg.Pool` (Prisma's adapter, drizzle). Nothing is inherited: each method has its own body, and pg.Pool's constructor never runs.
Object.setPrototypeOf(Pool.prototype, pg.Pool.prototype);

/** What a cursor that never had a connection may say to it. */
const NO_CONNECTION = { sync: NOT_ACQUIRED, removeListener: NOT_ACQUIRED };

/** A new pool; the same as `new Pool(options)`. */
export function createPool(options: PoolOptions = {}): Pool {
  return new Pool(options);
}

import type { Client, ClientConfig } from "pg";
import type { CredentialsFunction, PasswordFunction } from "./credentials";
import { PoolError } from "./errors";
import type { PoolObserver } from "./observer";

/** What stands between the pool and the server. */
export type Pooler = "none" | "session" | "transaction";

/** Makes a client: `pg.Client`, or a class of its shape. */
export type ClientConstructor = new (config: ClientConfig) => Client;

/**
 * Options of a pool: those of `pg.Client` (they go to each client), those of pg-pool under pg-pool's names, and the pool's own. Numbers under a floor are
 * refused with all problems in one error, not silently raised.
 */
export interface PoolOptions extends Omit<ClientConfig, "password"> {
  /** A string, or a function that is called for each new connection; one call at a time, and once more with `{refresh: true}` after the server refused it (28P01, 28000). */
  password?: string | PasswordFunction | undefined;
  /**
   * User and password together, for a secret that may change to another login. Instead of `user`, `password` and `connectionString`. Called before each new connection, one call at a time; with
   * `{refresh: true}` once more after the server refused the login (28P01, 28000), and every `credentialsRefreshMs`. When the user changes, idle connections of the former one are closed at once, lent ones when they come back.
   */
  credentials?: CredentialsFunction | undefined;
  /** How often `credentials` is asked afresh although nothing was refused, while connections are open. Milliseconds, up to 10 % less; default 300,000, floor 100; Infinity = never. */
  credentialsRefreshMs?: number | undefined;
  /** Most connections. Default 10, floor 1. */
  max?: number | undefined;
  /** pg-pool's old name of `max`. */
  poolSize?: number | undefined;
  /** Connections that idle time-out leaves alone. They are not opened ahead. Default 0, floor 0, at most `max`. */
  min?: number | undefined;
  /** Milliseconds after which an idle connection is closed. Default 240,000 (under the 350 to 1,200 s after which NAT gateways drop a silent connection); 0 or null = never. */
  idleTimeoutMillis?: number | null | undefined;
  /** pg-pool's one knob for two things: sets `acquireTimeoutMs` and `connectTimeoutMs` where they are not set themselves. 0 = their defaults; unlike in pg-pool it never means "for ever". Floor 1. */
  connectionTimeoutMillis?: number | undefined;
  /** Times a connection is lent before it is replaced. Default unlimited, floor 1. */
  maxUses?: number | undefined;
  /** Seconds a connection lives; each gets up to 10 % less, so that they do not all end at once. Default 1800, 0 = unlimited, floor 0. In use, it ends when it comes back. */
  maxLifetimeSeconds?: number | undefined;
  /** Let the process end while all connections are idle. Default false. */
  allowExitOnIdle?: boolean | undefined;
  /** Set up a new connection before it is lent. Counts against `connectTimeoutMs`; runs again after `DISCARD ALL`. A rejection closes the connection. */
  onConnect?: ((client: Client) => unknown) | undefined;
  /** pg-pool's older form of `onConnect`, with a callback; runs after it and only once. */
  verify?: ((client: Client, done: (error?: Error) => void) => void) | undefined;
  /** Told what the pool does, in pg-pool's words where it does the same. Default: nothing. */
  log?: ((...messages: unknown[]) => void) | undefined;
  /** The Promise that `connect`, `query` and `end` return. Default: the built-in one. */
  Promise?: PromiseConstructorLike | undefined;
  /** The client class. Default `pg.Client`. */
  Client?: ClientConstructor | undefined;

  /** The pool's name in metrics and messages. Default "default". */
  name?: string | undefined;
  /** Milliseconds a caller waits for a connection, whatever happens meanwhile. Default 5,000, floor 1, never infinite. */
  acquireTimeoutMs?: number | undefined;
  /** Milliseconds for DNS, TCP, TLS, authentication and set-up of one connection together. Default 5,000, floor 1, never infinite. */
  connectTimeoutMs?: number | undefined;
  /** Milliseconds a query may take as the client sees it. Then the caller gets POOL_QUERY_TIMEOUT, the backend a CancelRequest, and the socket is destroyed. Default: `statement_timeout` (30,000 where not set) + 2,000, so that the server answers first. Floor 1; Infinity = no deadline. pg's `query_timeout` sets it too. Cursors and streams have none. */
  queryTimeoutMs?: number | undefined;
  /** A connection that was idle for longer is checked before it is lent. Milliseconds; default 1,000, floor 0 (check always); Infinity = never. */
  validateAfterIdleMs?: number | undefined;
  /** Milliseconds for that check. Default 1,000, floor 1. */
  validationTimeoutMs?: number | undefined;
  /** What the check does; a rejection replaces the connection and all older ones. Default `SELECT 1`. Also run on each new connection when given: the place to refuse a server in recovery. */
  validateConnection?: ((client: Client) => Promise<unknown>) | undefined;
  /** Most callers that wait. Default `max(100, 10 × max)`, floor 0. More get POOL_QUEUE_FULL at once. */
  maxWaiting?: number | undefined;
  /** What one level of priority is worth in waiting time, in milliseconds. Default 1,000, floor 0 (priorities off). */
  priorityAgeingMs?: number | undefined;
  /** Most connections lent to one user key at once. Default unlimited, floor 1. */
  maxPerUser?: number | undefined;
  /** Milliseconds for cleaning a returned connection (roll back, DISCARD ALL). Default 1,000, floor 1. */
  resetTimeoutMs?: number | undefined;
  /** `DISCARD ALL` on each return, not only on those that asked for a session. Costs a round trip. Default false. */
  discardOnRelease?: boolean | undefined;
  /** Keep a connection whose `pool.query` failed with an error of the server that leaves the session usable. pg-pool closes it. Default false, as pg-pool. */
  keepOnQueryError?: boolean | undefined;
  /** Milliseconds a connection may be held with no query running before it is reported. Default 30,000, floor 100; Infinity = off. */
  leakThresholdMs?: number | undefined;
  /** When the place of an acquire is remembered: "armed" = one acquire of 256, and each for ten minutes after a leak; "always" = each (4 µs apiece). Default "armed". */
  leakDetection?: "armed" | "always" | undefined;
  /** Milliseconds `end` waits for lent connections before it destroys them. Default 8,000 (a platform's SIGTERM gives 10 s), floor 0. */
  shutdownGraceMs?: number | undefined;
  /** What stands between the pool and the server. Default "none". "session": GUCs go by SET after connecting. "transaction": no session state, no named statements, no GUCs. */
  pooler?: Pooler | undefined;
  /** Told what happens in the pool. Default: nobody. */
  observer?: PoolObserver | undefined;
}

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly name: string;
  readonly max: number;
  readonly min: number;
  readonly idleTimeoutMs: number;
  readonly acquireTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly queryTimeoutMs: number;
  readonly maxUses: number;
  readonly credentialsRefreshMs: number;
  readonly maxLifetimeMs: number;
  readonly allowExitOnIdle: boolean;
  readonly validateAfterIdleMs: number;
  readonly validationTimeoutMs: number;
  readonly maxWaiting: number;
  readonly priorityAgeingMs: number;
  readonly maxPerUser: number;
  readonly resetTimeoutMs: number;
  readonly discardOnRelease: boolean;
  readonly keepOnQueryError: boolean;
  readonly leakThresholdMs: number;
  readonly leakAlways: boolean;
  readonly shutdownGraceMs: number;
  readonly pooler: Pooler;
}

/** pg's options that travel in the startup packet, which poolers refuse. */
export const STARTUP_GUCS = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"] as const;

const DEFAULT_STATEMENT_TIMEOUT_MS = 30_000;
const QUERY_MARGIN_MS = 2000;

/**
 * Fills in defaults and checks floors.
 *
 * @throws PoolError POOL_OPTIONS_INVALID naming every problem
 */
export function resolveOptions(options: PoolOptions): ResolvedOptions {
  const problems: string[] = [];
  const number = (name: keyof PoolOptions, fallback: number, floor: number, unlimited: "may be Infinity" | "finite" | "whole" = "finite"): number => {
    const value = options[name] as unknown;
    if (value === undefined || value === null) return fallback;
    const fits = typeof value === "number" && !Number.isNaN(value) && value >= floor && (value !== Infinity || unlimited === "may be Infinity");
    if (fits && (unlimited !== "whole" || Number.isInteger(value))) return value;
    problems.push(`${name} must be ${unlimited === "whole" ? "a whole number" : "a number"} of at least ${floor}${unlimited === "may be Infinity" ? ", or Infinity" : ""}; it is ${describe(value)}`);
    return fallback;
  };
  const oneOf = <T extends string>(name: keyof PoolOptions, allowed: readonly T[], fallback: T): T => {
    const value = options[name];
    if (value === undefined) return fallback;
    if (allowed.includes(value as T)) return value as T;
    problems.push(`${name} must be one of ${allowed.join(", ")}; it is ${describe(value)}`);
    return fallback;
  };
  // pg-pool takes 0 for "the default" in these.
  const max = number(options.max ? "max" : "poolSize", 10, 0, "whole") || 10;
  const shared = number("connectionTimeoutMillis", 0, 0) || 5000;
  const pooler = oneOf("pooler", ["none", "session", "transaction"], "none");
  const statementTimeout = Number(options.statement_timeout || 0) || DEFAULT_STATEMENT_TIMEOUT_MS;
  const resolved: ResolvedOptions = {
    name: options.name ?? "default",
    max,
    min: number("min", 0, 0, "whole"),
    idleTimeoutMs: options.idleTimeoutMillis === null ? Infinity : number("idleTimeoutMillis", 240_000, 0, "may be Infinity") || Infinity,
    acquireTimeoutMs: number("acquireTimeoutMs", shared, 1),
    connectTimeoutMs: number("connectTimeoutMs", shared, 1),
    queryTimeoutMs: number("queryTimeoutMs", number("query_timeout", 0, 0) || statementTimeout + QUERY_MARGIN_MS, 1, "may be Infinity"),
    maxUses: number("maxUses", Infinity, 0, "may be Infinity") || Infinity,
    credentialsRefreshMs: number("credentialsRefreshMs", 300_000, 100, "may be Infinity"),
    maxLifetimeMs: number("maxLifetimeSeconds", 1800, 0, "may be Infinity") * 1000 || Infinity,
    allowExitOnIdle: options.allowExitOnIdle ?? false,
    validateAfterIdleMs: number("validateAfterIdleMs", 1000, 0, "may be Infinity"),
    validationTimeoutMs: number("validationTimeoutMs", 1000, 1),
    maxWaiting: number("maxWaiting", Math.max(100, 10 * max), 0, "whole"),
    priorityAgeingMs: number("priorityAgeingMs", 1000, 0),
    maxPerUser: number("maxPerUser", Infinity, 1, "may be Infinity"),
    resetTimeoutMs: number("resetTimeoutMs", 1000, 1),
    discardOnRelease: options.discardOnRelease ?? false,
    keepOnQueryError: options.keepOnQueryError ?? false,
    leakThresholdMs: number("leakThresholdMs", 30_000, 100, "may be Infinity"),
    leakAlways: oneOf("leakDetection", ["armed", "always"], "armed") === "always",
    shutdownGraceMs: number("shutdownGraceMs", 8000, 0),
    pooler,
  };
  if (resolved.min > max) problems.push(`min (${resolved.min}) must not be over max (${max})`);
  if (options.credentials !== undefined) {
    for (const name of ["user", "password", "connectionString"] as const) if (options[name] !== undefined) problems.push(`${name} cannot be given beside credentials, which give the login`);
  }
  if (pooler === "transaction") {
    for (const guc of [...STARTUP_GUCS, "options"] as const) {
      if (options[guc]) problems.push(`${guc} cannot be set through a transaction pooler: set it on the role (ALTER ROLE … SET ${guc === "options" ? "…" : guc} = …)`);
    }
    if (resolved.discardOnRelease) problems.push("discardOnRelease has no sense behind a transaction pooler: there is no session to discard");
  } else if (pooler === "session" && options.options) {
    problems.push("options (startup parameters) are refused by poolers: set them on the role (ALTER ROLE … SET …)");
  }
  if (problems.length > 0) {
    throw new PoolError("POOL_OPTIONS_INVALID", `The pool's options are invalid: ${problems.join("; ")}.`, { hint: "Correct the options given to createPool()." });
  }
  return resolved;
}

/** A value for a message: never more than its type where it could be a secret. */
function describe(value: unknown): string {
  return typeof value === "number" || typeof value === "boolean" ? String(value) : `a ${typeof value}`;
}

import type { Client } from "pg";

/** Why a connection left the pool. */
export type RemoveReason =
  /** The borrower gave it back with an error, or with `release(true)`. */
  | "released-with-error"
  /** Its socket failed, or the server ended it. */
  | "broken"
  /** It was idle longer than `idleTimeoutMillis`, and the pool holds more than `min`. */
  | "idle"
  /** It reached its lifetime. */
  | "lifetime"
  /** It was lent `maxUses` times. */
  | "max-uses"
  /** Its user is not the one that the pool logs in as any more. */
  | "login-changed"
  /** It did not answer its validation in time. */
  | "validation"
  /** Another connection of its generation failed validation: it is replaced without a ping of its own. */
  | "generation"
  /** It could not be brought back to a clean state within the bound. */
  | "reset-failed"
  /** A query outlived its deadline. */
  | "query-timeout"
  /** It could not be opened. */
  | "connect-failed"
  /** The pool is being closed. */
  | "closed";

/** What the pool holds, at one moment. */
export interface PoolStats {
  /** The pool's name, for metrics (`db.client.connection.pool.name`). */
  readonly name: string;
  /** Connections that count against `max`: opening, idle, lent, or being cleaned. */
  readonly total: number;
  /** Connections ready to be lent. */
  readonly idle: number;
  /** Connections lent to a caller. */
  readonly inUse: number;
  /** Connections being opened. */
  readonly connecting: number;
  /** Callers waiting for a connection. */
  readonly waiting: number;
  readonly min: number;
  readonly max: number;
  /** What the pool allows itself at the moment: less than `max` after the server said "too many clients". */
  readonly effectiveMax: number;
  /** Since when the database cannot be reached, as milliseconds since the epoch; undefined while it can. */
  readonly downSince: number | undefined;
}

/** One connection that is held for too long without a query running on it. */
export interface LeakReport {
  readonly client: Client;
  /** How long it has been held, in milliseconds. */
  readonly heldMs: number;
  /** Where it was acquired. Undefined for a leak seen before the detector was armed (see `leakDetection`). */
  readonly stack: string | undefined;
  /** The user key it was acquired for. */
  readonly user: string | undefined;
}

/**
 * What a monitor may hear of a pool. Every method is optional, is called synchronously where it happens, and must be cheap.
 * A method that throws is never called again, and the pool goes on. Without an observer nothing is measured for its sake.
 * All times are milliseconds. `nowMs` is the pool's reading of `performance.now()` from that moment, for the three frequent events, so that nobody has to read the clock again.
 */
export interface PoolObserver {
  /** A caller got a connection after `waitMs`. */
  onAcquire?(waitMs: number, nowMs: number): void;
  /** A caller got none: deadline passed, queue full, pool closed, connection failed. */
  onAcquireError?(waitMs: number, error: Error): void;
  /** A connection came back after `useMs`. `error` is what the borrower released it with. */
  onRelease?(useMs: number, error: Error | undefined, nowMs: number): void;
  /** A connection was opened and set up in `connectMs`. */
  onConnect?(connectMs: number): void;
  /** A connection could not be opened. */
  onConnectError?(connectMs: number, error: Error): void;
  /** A connection left the pool. */
  onRemove?(reason: RemoveReason): void;
  /**
   * A query ended, on `pool.query` and on a borrowed client alike. `text` is the SQL as given, without values. `rowCount` is undefined on an
   * error, for cursors and streams, and for several statements in one.
   */
  onQuery?(text: string, durationMs: number, error: Error | undefined, rowCount: number | undefined, nowMs: number): void;
  /** A connection has been held for longer than `leakThresholdMs` with no query running. Told once per loan. */
  onLeak?(report: LeakReport): void;
  /** A connection that was reported as leaked came back after all. */
  onLeakResolved?(report: LeakReport): void;
  /** A connection came back inside a transaction that was neither committed nor rolled back; the pool rolls it back. */
  onTransactionLeft?(status: "T" | "E"): void;
  /** The database became unreachable (true) or reachable again (false). */
  onDown?(down: boolean, error: Error | undefined): void;
  /** The server had no room for another connection: what the pool allows itself from now on. */
  onBackpressure?(effectiveMax: number): void;
}

/**
 * An observer whose methods cannot throw: one that did is switched off. A class of its own, and each method a plain call, since the frequent ones are on every query's way: bound
 * functions that are made anew for each observer cannot be inlined there.
 */
export class GuardedObserver implements Required<PoolObserver> {
  /** The methods that threw. */
  private readonly off = {
    onAcquire: false, onAcquireError: false, onRelease: false, onConnect: false, onConnectError: false, onRemove: false, onQuery: false, onLeak: false, onLeakResolved: false,
    onTransactionLeft: false, onDown: false, onBackpressure: false,
  };

  constructor(private readonly observer: PoolObserver) {}

  onAcquire(waitMs: number, nowMs: number): void {
    if (this.off.onAcquire) return;
    try {
      this.observer.onAcquire?.(waitMs, nowMs);
    } catch {
      this.off.onAcquire = true;
    }
  }

  onRelease(useMs: number, error: Error | undefined, nowMs: number): void {
    if (this.off.onRelease) return;
    try {
      this.observer.onRelease?.(useMs, error, nowMs);
    } catch {
      this.off.onRelease = true;
    }
  }

  onQuery(text: string, durationMs: number, error: Error | undefined, rowCount: number | undefined, nowMs: number): void {
    if (this.off.onQuery) return;
    try {
      this.observer.onQuery?.(text, durationMs, error, rowCount, nowMs);
    } catch {
      this.off.onQuery = true;
    }
  }

  onAcquireError(waitMs: number, error: Error): void {
    this.call("onAcquireError", (observer) => observer.onAcquireError?.(waitMs, error));
  }

  onConnect(connectMs: number): void {
    this.call("onConnect", (observer) => observer.onConnect?.(connectMs));
  }

  onConnectError(connectMs: number, error: Error): void {
    this.call("onConnectError", (observer) => observer.onConnectError?.(connectMs, error));
  }

  onRemove(reason: RemoveReason): void {
    this.call("onRemove", (observer) => observer.onRemove?.(reason));
  }

  onLeak(report: LeakReport): void {
    this.call("onLeak", (observer) => observer.onLeak?.(report));
  }

  onLeakResolved(report: LeakReport): void {
    this.call("onLeakResolved", (observer) => observer.onLeakResolved?.(report));
  }

  onTransactionLeft(status: "T" | "E"): void {
    this.call("onTransactionLeft", (observer) => observer.onTransactionLeft?.(status));
  }

  onDown(down: boolean, error: Error | undefined): void {
    this.call("onDown", (observer) => observer.onDown?.(down, error));
  }

  onBackpressure(effectiveMax: number): void {
    this.call("onBackpressure", (observer) => observer.onBackpressure?.(effectiveMax));
  }

  private call(method: keyof PoolObserver, run: (observer: PoolObserver) => void): void {
    if (this.off[method]) return;
    try {
      run(this.observer);
    } catch {
      this.off[method] = true;
    }
  }
}

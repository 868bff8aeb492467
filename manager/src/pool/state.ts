import type { EventEmitter } from "node:events";
import { Alarm, now } from "./alarm";
import { Backpressure } from "./backpressure";
import { closeClient } from "./connection";
import type { Connection } from "./connection";
import { PoolError } from "./errors";
import type { PoolCounts, PoolErrorCode } from "./errors";
import { LeakDetector } from "./leak";
import type { GuardedObserver, PoolStats, RemoveReason } from "./observer";
import type { PoolOptions, ResolvedOptions } from "./options";
import { WaitQueue } from "./queue";
import type { Queued } from "./queue";
import { Trust } from "./trust";

/** A caller that wants a connection. */
export interface Waiter extends Queued {
  /** When it is told that there was none. */
  deadline: number;
  /** Nothing of the session may be inherited by the next borrower. */
  readonly session: boolean;
  readonly granted: (connection: Connection) => void;
  readonly refused: (error: Error) => void;
}

/**
 * What a pool holds and knows: its connections, who waits, what it believes of the server; and how a connection enters the idle ones and leaves the pool. What happens next
 * (`pump`, `judge`) is `PoolCore`'s. The parts of the mechanism know the state only, and not each other through it.
 */
export abstract class PoolState {
  readonly connections = new Set<Connection>();
  /** Idle connections; the last is the one used last. */
  readonly idle: Connection[] = [];
  readonly queue: WaitQueue<Waiter>;
  readonly alarm = new Alarm((lateMs) => this.judge(lateMs));
  readonly leaks: LeakDetector;
  readonly trust: Trust;
  readonly backpressure: Backpressure;
  observer: GuardedObserver | undefined;
  /** When lent connections are destroyed, once the pool is closing. */
  endsAt: number | undefined;
  /** How long a loan lasts; undefined before the first return. */
  holdMs: number | undefined;
  /** Loans by user key. */
  protected readonly lentTo = new Map<string, number>();
  private closing = 0;
  private onEmpty: (() => void) | undefined;

  constructor(
    readonly options: PoolOptions,
    readonly settings: ResolvedOptions,
    private readonly events: EventEmitter,
    readonly log: (...messages: unknown[]) => void,
  ) {
    this.queue = new WaitQueue(settings.maxWaiting, settings.priorityAgeingMs);
    this.leaks = new LeakDetector(settings.leakAlways);
    this.trust = new Trust(settings.validateAfterIdleMs);
    this.backpressure = new Backpressure(settings.max);
  }

  /** Serves whoever can be served, checks and opens connections for the others. */
  abstract pump(nowMs: number): void;

  /** Looks what is due; `lateMs` is how long the event loop was blocked meanwhile. */
  abstract judge(lateMs: number): void;

  get counts(): PoolCounts {
    return { total: this.connections.size, idle: this.idle.length, waiting: this.queue.size };
  }

  stats(): PoolStats {
    const inState = (state: string): number => [...this.connections].filter((connection) => connection.state === state).length;
    const { downSince } = this.trust.outage;
    return {
      ...this.counts,
      name: this.settings.name,
      inUse: inState("lent"),
      connecting: inState("opening"),
      min: this.settings.min,
      max: this.settings.max,
      effectiveMax: this.backpressure.effectiveMax(now()),
      downSince: downSince === undefined ? undefined : Math.round(performance.timeOrigin + downSince),
    };
  }

  error(code: PoolErrorCode, message: string, hint?: string, cause?: unknown): PoolError {
    return new PoolError(code, message, { counts: this.counts, ...(hint === undefined ? {} : { hint }), ...(cause === undefined ? {} : { cause }) });
  }

  /** Whether a user is under its share. */
  mayServe(user: string | undefined): boolean {
    return user === undefined || (this.lentTo.get(user) ?? 0) < this.settings.maxPerUser;
  }

  makeIdle(connection: Connection, nowMs: number): void {
    // One that was being reset when the pool began to close has nobody left to wait for.
    if (this.endsAt !== undefined && this.queue.size === 0) {
      this.remove(connection, "closed");
      return;
    }
    connection.move("idle", nowMs);
    connection.justChecked = false;
    // Clients of other makers do not tell when they hear of the server.
    if (connection.internals.connection === undefined) connection.heardAt = nowMs;
    this.idle.push(connection);
    if (this.options.allowExitOnIdle) connection.internals.unref?.();
    this.alarm.arm(Math.min(nowMs + this.settings.idleTimeoutMs, connection.expiresAt));
  }

  /** Takes a connection out of the pool. Its place is free at once; its client is closed in the background, within a second. */
  remove(connection: Connection, reason: RemoveReason, error?: Error): void {
    if (connection.state === "closed") return;
    if (connection.state === "idle") this.idle.splice(this.idle.indexOf(connection), 1);
    this.connections.delete(connection);
    const politely = POLITE.has(reason) && connection.internals._queryable !== false;
    connection.move("closed", now());
    connection.onClosed?.(error ?? new Error(`the connection was closed (${reason})`));
    connection.onClosed = undefined;
    if (reason === "max-uses") this.log("remove expended client");
    else this.log("remove client", reason);
    this.observer?.onRemove(reason);
    this.closing++;
    const { client } = connection;
    const close = (): void =>
      closeClient(client, politely, () => {
        this.closing--;
        // A connection that never was one has nobody to hear of its end.
        if (reason !== "connect-failed") this.tell("remove", client);
        this.checkEmpty();
      });
    if (connection.cancelling === undefined) close();
    else void connection.cancelling.then(close);
  }

  /** Calls back once there is nothing left; for the end of the pool. */
  whenEmpty(callback: () => void): void {
    this.onEmpty = callback;
    this.checkEmpty();
  }

  /** Whether somebody listens to an event. */
  isHeard(event: string): boolean {
    return this.events.listenerCount(event) > 0;
  }

  /** Emits an event. A listener that throws does so on its own, as an uncaught exception, and not in the middle of the pool's work. */
  tell(event: string, ...args: unknown[]): void {
    try {
      this.events.emit(event, ...args);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }

  protected checkEmpty(): void {
    if (this.onEmpty === undefined || this.connections.size > 0 || this.closing > 0 || this.queue.size > 0) return;
    const callback = this.onEmpty;
    this.onEmpty = undefined;
    this.alarm.stop();
    callback();
  }
}

/** Reasons that do not speak against the socket: it gets a goodbye. */
const POLITE: ReadonlySet<RemoveReason> = new Set(["released-with-error", "broken", "idle", "lifetime", "max-uses", "login-changed", "closed"]);

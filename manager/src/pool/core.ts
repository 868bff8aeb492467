import type { EventEmitter } from "node:events";
import { Alarm, now } from "./alarm";
import { closeClient } from "./connection";
import type { Connection } from "./connection";
import { PoolError, isError } from "./errors";
import type { PoolCounts, PoolErrorCode } from "./errors";
import { smoothed } from "./growth";
import { LeakDetector, stackOf } from "./leak";
import type { PoolObserver, PoolStats, RemoveReason } from "./observer";
import type { ClientConstructor, PoolOptions, ResolvedOptions } from "./options";
import { WaitQueue } from "./queue";
import type { Queued } from "./queue";
import { recover } from "./recovery";
import { Supply } from "./supply";
import { judge } from "./verdicts";

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
 * The pool's mechanism: which connections there are, who waits, and what happens next. Callers wait on the pool, never on one connection:
 * whatever becomes free serves whoever is first.
 */
export class PoolCore {
  readonly connections = new Set<Connection>();
  /** Idle connections; the last is the one used last. */
  readonly idle: Connection[] = [];
  readonly queue: WaitQueue<Waiter>;
  readonly alarm: Alarm;
  readonly leaks: LeakDetector;
  readonly supply: Supply;
  observer: PoolObserver | undefined;
  /** When lent connections are destroyed, once the pool is closing. */
  endsAt: number | undefined;
  /** How long a loan lasts; undefined before the first return. */
  holdMs: number | undefined;
  private readonly lentTo = new Map<string, number>();
  private closing = 0;
  private onEmpty: (() => void) | undefined;

  constructor(
    readonly options: PoolOptions,
    readonly settings: ResolvedOptions,
    ClientClass: ClientConstructor,
    readonly events: EventEmitter,
    readonly log: (...messages: unknown[]) => void,
  ) {
    this.queue = new WaitQueue(settings.maxWaiting, settings.priorityAgeingMs);
    this.leaks = new LeakDetector(settings.leakAlways);
    this.alarm = new Alarm((lateMs) => judge(this, lateMs));
    this.supply = new Supply(this, ClientClass);
  }

  get counts(): PoolCounts {
    return { total: this.connections.size, idle: this.idle.length, waiting: this.queue.size };
  }

  stats(): PoolStats {
    const inState = (state: string): number => [...this.connections].filter((connection) => connection.state === state).length;
    const { downSince } = this.supply.trust.outage;
    return {
      ...this.counts,
      name: this.settings.name,
      inUse: inState("lent"),
      connecting: inState("opening"),
      min: this.settings.min,
      max: this.settings.max,
      effectiveMax: this.supply.backpressure.effectiveMax(now()),
      downSince: downSince === undefined ? undefined : Math.round(performance.timeOrigin + downSince),
    };
  }

  error(code: PoolErrorCode, message: string, hint?: string, cause?: unknown): PoolError {
    return new PoolError(code, message, { counts: this.counts, ...(hint === undefined ? {} : { hint }), ...(cause === undefined ? {} : { cause }) });
  }

  /** The connection used last, if it can be lent as it is; that is, without waiting and without a check. */
  takeIdle(nowMs: number): Connection | undefined {
    const { idle } = this;
    for (let connection = idle.at(-1); connection !== undefined; connection = idle.at(-1)) {
      if (!connection.expired && connection.usable) {
        if (this.supply.trust.needsCheck(connection, nowMs)) return undefined;
        idle.pop();
        return connection;
      }
      this.remove(connection, connection.expired ? "lifetime" : "broken");
    }
    return undefined;
  }

  /** Whether a user is under its share. */
  mayServe(user: string | undefined): boolean {
    return user === undefined || (this.lentTo.get(user) ?? 0) < this.settings.maxPerUser;
  }

  private readonly admits = (waiter: Waiter): boolean => this.mayServe(waiter.user);

  /** Adds a caller to the queue. It is served, or told why not, through its two functions. */
  wait(waiter: Waiter): void {
    this.supply.trust.outage.arrived();
    const displaced = this.queue.add(waiter);
    displaced?.refused(
      this.error("POOL_QUEUE_FULL", `The wait queue of pool "${this.settings.name}" is full: ${this.queue.size} callers wait already.`, "Lower the load, shorten what is done with a connection, or raise max or maxWaiting."),
    );
    this.alarm.arm(waiter.deadline);
    this.pump(waiter.since);
  }

  /** Lends a connection that is in no list. */
  lend(connection: Connection, user: string | undefined, session: boolean, waitMs: number, nowMs: number): void {
    connection.move("lent", nowMs);
    connection.justChecked = false;
    connection.user = user;
    connection.dirty = session || this.settings.discardOnRelease;
    connection.leakReported = false;
    if (user !== undefined) this.lentTo.set(user, (this.lentTo.get(user) ?? 0) + 1);
    if (this.options.allowExitOnIdle) connection.internals.ref?.();
    this.alarm.arm(nowMs + this.settings.leakThresholdMs);
    this.observer?.onAcquire?.(waitMs);
    this.tell("acquire", connection.client);
  }

  /** A lent connection comes back. `error` is what the borrower says of it; anything but undefined closes it. */
  takeBack(connection: Connection, error: Error | boolean | undefined): void {
    const nowMs = now();
    const { client, user, stateSince } = connection;
    if (user !== undefined) this.giveBackShare(user);
    this.holdMs = smoothed(this.holdMs, nowMs - stateSince);
    connection.uses++;
    this.observer?.onRelease?.(nowMs - stateSince, isError(error) ? error : undefined);
    if (connection.leakReported) {
      this.observer?.onLeakResolved?.({ client, heldMs: nowMs - stateSince, stack: stackOf(connection.acquireSite), user });
    }
    connection.acquireSite = undefined;
    this.tell("release", error, client);
    if (connection.state === "closed") return;
    const reason = this.reasonToDrop(connection, error);
    if (reason !== undefined) this.remove(connection, reason);
    else if (connection.busy || connection.dirty || connection.transactionStatus !== "I") recover(this, connection);
    else this.makeIdle(connection, nowMs);
    this.pump(nowMs);
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
    this.observer?.onRemove?.(reason);
    this.closing++;
    const { client } = connection;
    closeClient(client, politely, () => {
      this.closing--;
      // A connection that never was one has nobody to hear of its end.
      if (reason !== "connect-failed") this.tell("remove", client);
      this.checkEmpty();
    });
  }

  /** Serves whoever can be served, checks and opens connections for the others. */
  pump(nowMs: number): void {
    const { queue } = this;
    while (queue.size > 0 && this.idle.length > 0) {
      const waiter = queue.first(this.admits);
      const connection = waiter === undefined ? undefined : this.takeIdle(nowMs);
      if (waiter === undefined || connection === undefined) break;
      queue.delete(waiter);
      this.lend(connection, waiter.user, waiter.session, nowMs - waiter.since, nowMs);
      waiter.granted(connection);
    }
    if (queue.size > 0) this.supply.provide(nowMs);
    this.alarm.keepProcessAlive(queue.size > 0 || this.endsAt !== undefined);
    this.checkEmpty();
  }

  /** Calls back once there is nothing left; for the end of the pool. */
  whenEmpty(callback: () => void): void {
    this.onEmpty = callback;
    this.checkEmpty();
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

  private giveBackShare(user: string): void {
    const share = (this.lentTo.get(user) ?? 1) - 1;
    if (share === 0) this.lentTo.delete(user);
    else this.lentTo.set(user, share);
  }

  private reasonToDrop(connection: Connection, error: unknown): RemoveReason | undefined {
    if (error) return "released-with-error";
    if (this.endsAt !== undefined) return "closed";
    if (!connection.usable) return "broken";
    if (connection.uses >= this.settings.maxUses) return "max-uses";
    if (connection.expired) return "lifetime";
    return this.supply.trust.isOfLostGeneration(connection) ? "generation" : undefined;
  }

  private checkEmpty(): void {
    if (this.onEmpty === undefined || this.connections.size > 0 || this.closing > 0 || this.queue.size > 0) return;
    const callback = this.onEmpty;
    this.onEmpty = undefined;
    this.alarm.stop();
    callback();
  }
}

/** Reasons that do not speak against the socket: it gets a goodbye. */
const POLITE: ReadonlySet<RemoveReason> = new Set(["released-with-error", "broken", "idle", "lifetime", "max-uses", "closed"]);

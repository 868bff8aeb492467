import type { EventEmitter } from "node:events";
import { now } from "./alarm";
import type { Connection } from "./connection";
import { isError } from "./errors";
import { smoothed } from "./growth";
import { stackOf } from "./leak";
import type { RemoveReason } from "./observer";
import type { ClientConstructor, PoolOptions, ResolvedOptions } from "./options";
import { recover } from "./recovery";
import { PoolState } from "./state";
import type { Waiter } from "./state";
import { Supply } from "./supply";
import { judge } from "./verdicts";

/**
 * The pool's mechanism: lends, takes back, and says what happens next. Callers wait on the pool, never on one connection: whatever becomes free serves whoever is first.
 */
export class PoolCore extends PoolState {
  private readonly supply: Supply;

  constructor(options: PoolOptions, settings: ResolvedOptions, ClientClass: ClientConstructor, events: EventEmitter, log: (...messages: unknown[]) => void) {
    super(options, settings, events, log);
    this.supply = new Supply(this, ClientClass);
  }

  override judge(lateMs: number): void {
    judge(this, this.supply, lateMs);
  }

  /** The connection used last, if it can be lent as it is; that is, without waiting and without a check. */
  takeIdle(nowMs: number): Connection | undefined {
    const { idle } = this;
    for (let connection = idle.at(-1); connection !== undefined; connection = idle.at(-1)) {
      if (!connection.expired && connection.usable) {
        if (this.trust.needsCheck(connection, nowMs)) return undefined;
        idle.pop();
        return connection;
      }
      this.remove(connection, connection.expired ? "lifetime" : "broken");
    }
    return undefined;
  }

  private readonly admits = (waiter: Waiter): boolean => this.mayServe(waiter.user);

  /** Adds a caller to the queue. It is served, or told why not, through its two functions. */
  wait(waiter: Waiter): void {
    this.trust.outage.arrived();
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
    this.observer?.onAcquire(waitMs, nowMs);
    this.tell("acquire", connection.client);
  }

  /** A lent connection comes back. `error` is what the borrower says of it; anything but undefined closes it. */
  takeBack(connection: Connection, error: Error | boolean | undefined): void {
    const nowMs = now();
    const { client, user, stateSince } = connection;
    const useMs = nowMs - stateSince;
    if (user !== undefined) this.giveBackShare(user);
    this.holdMs = smoothed(this.holdMs, useMs);
    connection.uses++;
    this.observer?.onRelease(useMs, error !== undefined && isError(error) ? error : undefined, nowMs);
    if (connection.leakReported) {
      this.observer?.onLeakResolved({ client, heldMs: useMs, stack: stackOf(connection.acquireSite), user });
    }
    connection.acquireSite = undefined;
    this.tell("release", error, client);
    if (connection.state === "closed") return;
    const reason = this.reasonToDrop(connection, error);
    if (reason !== undefined) this.remove(connection, reason);
    else if (connection.busy || connection.dirty || connection.transactionStatus !== "I") recover(this, this.supply.opener, connection);
    else this.makeIdle(connection, nowMs);
    this.pump(nowMs);
  }

  override pump(nowMs: number): void {
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
    if (connection.formerLogin) return "login-changed";
    if (connection.expired) return "lifetime";
    return this.trust.isOfLostGeneration(connection) ? "generation" : undefined;
  }
}

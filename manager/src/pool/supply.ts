import type { Client } from "pg";
import { now } from "./alarm";
import { Connection } from "./connection";
import { isLastWord, isTooManyClients, isUnreachable, toError } from "./errors";
import { connectionsToOpen, smoothed } from "./growth";
import { Login } from "./login";
import { Opener } from "./open";
import type { ClientConstructor } from "./options";
import { instrumentQueries } from "./query";
import type { PoolState } from "./state";

/** Most attempts to connect under way while the database is down. */
const MAX_PROBES = 4;
/** Lifetimes are shortened by up to this share, so that connections opened together do not end together. */
const LIFETIME_JITTER = 0.1;

/** Where connections come from: opens, checks and gives them up, by what callers need and what is known of the server. */
export class Supply {
  readonly opener: Opener;
  /** Where the pool has a credentials function. */
  readonly login: Login | undefined;
  /** How long opening a connection takes; undefined before the first success. */
  private connectMs: number | undefined;

  constructor(
    private readonly core: PoolState,
    ClientClass: ClientConstructor,
  ) {
    const { options, settings } = core;
    this.login = options.credentials === undefined ? undefined : new Login(core, options.credentials);
    // A client without a listener for "error" ends the process when its socket fails: it has one from birth to death.
    const adopt = (client: Client): void => void client.on("error", (error: Error) => this.clientFailed(client, error));
    this.opener = new Opener(options, settings, this.login, ClientClass, { adopt, connected: (connection) => this.watch(connection), setUp: (client) => core.tell("connect", client) });
  }

  /** Checks idle connections that need it, and opens new ones, for callers that wait. */
  provide(nowMs: number): void {
    const { core } = this;
    const room = core.backpressure.effectiveMax(nowMs) - core.connections.size;
    if (room <= 0 && core.idle.length === 0 && !core.trust.outage.down) return core.alarm.arm(core.backpressure.raisesAt);
    let waiting = 0;
    let longestWaitMs = 0;
    for (const waiter of core.queue) {
      if (!core.mayServe(waiter.user)) continue;
      waiting++;
      longestWaitMs = Math.max(longestWaitMs, nowMs - waiter.since);
    }
    let validating = 0;
    let connecting = 0;
    let heardAt = -Infinity;
    for (const connection of core.connections) {
      if (connection.state === "validating") validating++;
      else if (connection.state === "opening") connecting++;
      heardAt = Math.max(heardAt, connection.heardAt);
    }
    for (let connection = core.idle.at(-1); connection !== undefined && validating < waiting; connection = core.idle.at(-1)) {
      core.idle.pop();
      this.validate(connection, nowMs);
      validating++;
    }
    if (waiting === 0 || core.endsAt !== undefined) return;
    if (core.trust.outage.down) {
      this.probe(room, connecting, nowMs);
    } else if (nowMs < core.backpressure.nextAttemptAt) {
      core.alarm.arm(core.backpressure.nextAttemptAt);
    } else {
      const open = core.connections.size - connecting;
      const count = connectionsToOpen({ waiting: waiting - validating, longestWaitMs, open, connecting, room, holdMs: core.holdMs, connectMs: this.connectMs });
      // The last news was bad: one connection tries whether the server is there.
      const tries = core.trust.isDoubtful(heardAt) ? Math.min(count, connecting === 0 ? 1 : 0) : count;
      for (let opened = 0; opened < tries; opened++) this.openOne(nowMs);
      // Who then still waits has waited for as long as opening takes.
      if (room > count && this.connectMs !== undefined && this.connectMs > longestWaitMs) core.alarm.arm(nowMs + this.connectMs - longestWaitMs);
    }
  }

  /** One attempt to reach a database that is down. An attempt that hangs does not stand in the way of the next, except the oldest: it may just be slow. */
  private probe(room: number, connecting: number, nowMs: number): void {
    const { core } = this;
    if (nowMs < core.trust.outage.nextAttemptAt) return core.alarm.arm(core.trust.outage.nextAttemptAt);
    if (room <= 0 || connecting >= MAX_PROBES) {
      const [, secondOldest] = [...core.connections].filter(({ state }) => state === "opening");
      if (secondOldest === undefined) return;
      core.remove(secondOldest, "connect-failed", core.trust.lastError);
    }
    this.openOne(nowMs);
    core.alarm.arm(core.trust.outage.nextAttemptAt);
  }

  /** Asks a connection for a sign of life; meanwhile it belongs to nobody. */
  private validate(connection: Connection, nowMs: number): void {
    const { core } = this;
    connection.move("validating", nowMs, nowMs + core.settings.validationTimeoutMs);
    if (core.options.allowExitOnIdle) connection.internals.ref?.();
    core.alarm.arm(connection.deadline);
    const { validateConnection } = core.options;
    const check = async (client: Client): Promise<unknown> => (validateConnection === undefined ? client.query("SELECT 1") : validateConnection(client));
    check(connection.client).then(
      () => {
        if (connection.state !== "validating") return;
        this.makeProven(connection, now());
      },
      (error: unknown) => this.validationFailed(connection, toError(error)),
    );
  }

  validationFailed(connection: Connection, error: Error): void {
    if (connection.state !== "validating") return;
    const { core } = this;
    const sinceMs = connection.stateSince;
    core.remove(connection, "validation", error);
    this.endGeneration(sinceMs, error);
  }

  /**
   * The server did not answer on one connection since `sinceMs`: what was not heard of since then is of the same generation. Idle connections of it are replaced
   * without a ping, lent ones when they come back. If nothing at all was heard, the database is down.
   */
  endGeneration(sinceMs: number, error: Error): void {
    const { core } = this;
    core.trust.endGeneration(sinceMs);
    let heard = false;
    for (const connection of [...core.connections]) {
      if (connection.heardAt >= sinceMs) heard = true;
      else if (connection.state === "idle" || connection.state === "validating") core.remove(connection, "generation", error);
    }
    if (!heard) this.databaseFailed(error);
    core.pump(now());
  }

  private databaseFailed(error: Error): void {
    const { core } = this;
    if (core.trust.failed(error, now())) core.observer?.onDown(true, error);
  }

  private openOne(nowMs: number): void {
    const { core } = this;
    const connection = new Connection(this.opener.newClient(), nowMs);
    connection.move("opening", nowMs, nowMs + core.settings.connectTimeoutMs);
    core.connections.add(connection);
    core.alarm.arm(connection.deadline);
    core.trust.outage.attempted(nowMs);
    core.log("connecting new client");
    this.opener.open(connection).then(
      () => this.opened(connection),
      (error: unknown) => this.openFailed(connection, toError(error)),
    );
  }

  /** An attempt failed, or took too long. */
  openFailed(connection: Connection, error: Error): void {
    const { core } = this;
    if (connection.state !== "opening") return;
    const nowMs = now();
    core.log("client failed to connect", error);
    const startedAt = connection.stateSince;
    core.observer?.onConnectError(nowMs - startedAt, error);
    core.remove(connection, "connect-failed", error);
    if (isTooManyClients(error)) {
      core.trust.lastError = error;
      core.observer?.onBackpressure(core.backpressure.refused(core.connections.size, nowMs));
    } else if (this.connectMs !== undefined && isUnreachable(error)) {
      this.databaseFailed(error);
    } else {
      // A pool that never had a connection is more likely wrong about the address than unlucky: the first caller hears at once.
      core.trust.lastError = error;
      // Told is a caller that this attempt was made for, not one that came later.
      const waiter = core.queue.first(({ since }) => since <= startedAt);
      if (waiter !== undefined) {
        core.queue.delete(waiter);
        waiter.refused(error);
      }
    }
    core.pump(nowMs);
  }

  private opened(connection: Connection): void {
    const { core } = this;
    if (connection.state !== "opening") return;
    const nowMs = now();
    const connectMs = nowMs - connection.stateSince;
    this.connectMs = smoothed(this.connectMs, connectMs);
    core.trust.lastError = undefined;
    connection.onClosed = undefined;
    connection.heardAt = nowMs;
    connection.expiresAt = nowMs + core.settings.maxLifetimeMs * (1 - LIFETIME_JITTER * Math.random());
    core.log("new client connected");
    core.observer?.onConnect(connectMs);
    if (core.trust.outage.succeeded()) core.observer?.onDown(false, undefined);
    this.makeProven(connection, nowMs);
  }

  /** Puts a connection that was opened or checked this moment to whoever waits, without another check. */
  private makeProven(connection: Connection, nowMs: number): void {
    const { core } = this;
    core.makeIdle(connection, nowMs);
    connection.justChecked = true;
    core.pump(nowMs);
    connection.justChecked = false;
  }

  /** Follows a client's queries from the first on. */
  private watch(connection: Connection): void {
    const { core } = this;
    const { client } = connection;
    if (typeof (client as Partial<Client>).query !== "function") return;
    instrumentQueries(connection, client, core);
    const wire = connection.internals.connection;
    // Before the client hears of it and calls its callers back: the end of a query need not look at the clock again.
    wire?.prependListener("readyForQuery", () => {
      connection.heardAt = now();
    });
    // pg takes an error that answers a query for one that the connection survives: what is sent after the server's last word would fail on its own, or be lost.
    wire?.prependListener("errorMessage", (message: { code?: string; severity?: string }) => {
      if (isLastWord(message)) connection.internals._queryable = false;
    });
    wire?.on("readyForQuery", () => {
      connection.queryStartedAt = connection.busy ? connection.heardAt : 0;
      if (connection.queryStartedAt === 0) connection.ready();
    });
  }

  /** A client's socket failed, or the server ended it, whatever it was doing. */
  private clientFailed(client: Client, error: Error): void {
    const { core } = this;
    const connection = [...core.connections].find((candidate) => candidate.client === client);
    if (connection === undefined) return core.log("additional client error after disconnection due to error", error);
    connection.broken ??= error;
    // Perhaps not only this one: the others are asked before they are lent.
    if (isUnreachable(error)) core.trust.suspect(now());
    if (connection.state === "idle") {
      Object.defineProperty(error, "client", { value: client, configurable: true, writable: true });
      core.remove(connection, "broken", error);
      core.log("idle client failed", error);
      // Without a listener, "error" would end the process: an idle connection's death is no reason for that.
      if (core.isHeard("error")) core.tell("error", error, client);
      core.pump(now());
    } else if (connection.state === "validating") {
      this.validationFailed(connection, error);
    } else if (connection.state === "returning") {
      core.remove(connection, "broken", error);
      core.pump(now());
    } else {
      connection.ready();
    }
  }
}

import { blockedFor, now } from "./alarm";
import { cutOff } from "./cancel";
import type { Connection } from "./connection";
import { stackOf } from "./leak";
import { endNow } from "./shutdown";
import type { PoolState } from "./state";
import type { Supply } from "./supply";

/** A deadline within this is due: timers ring up to a millisecond early. In milliseconds. */
const SLACK_MS = 1;

/**
 * What to do when the alarm rings. Connections that are merely too old go at once. Whatever accuses the database waits for one turn
 * of the event loop: if the loop was blocked, the answer may lie unread in the socket. A turn that is itself blocked counts as late, too,
 * and one more is waited for.
 */
export function judge(core: PoolState, supply: Supply, lateMs: number): void {
  const rungAt = now();
  retireOld(core, rungAt);
  setImmediate(() => {
    const blockedMs = blockedFor(now() - rungAt);
    if (blockedMs === 0) look(core, supply, lateMs);
    else setImmediate(() => look(core, supply, lateMs + blockedMs));
  });
}

/** What is due, once what had arrived is read. `lateMs` is how long the event loop was blocked before. */
function look(core: PoolState, supply: Supply, lateMs: number): void {
  const nowMs = now();
  // Again: what became due meanwhile would be forgotten, since the alarm is armed for what is due after this moment.
  retireOld(core, nowMs);
  for (const connection of [...core.connections]) {
    if (lateMs > 0) postpone(connection, lateMs, nowMs);
    judgeConnection(core, supply, connection, nowMs);
  }
  refuseLate(core, nowMs);
  if (core.endsAt !== undefined && core.endsAt <= nowMs + SLACK_MS) endNow(core);
  if (supply.login !== undefined && supply.login.looksAt <= nowMs + SLACK_MS) supply.login.look();
  core.pump(nowMs);
  core.alarm.arm(nextDeadline(core, supply, nowMs));
}

/** Idle time-out and lifetime. */
function retireOld(core: PoolState, nowMs: number): void {
  for (const connection of [...core.connections]) {
    if (connection.expiresAt <= nowMs + SLACK_MS && connection.state !== "opening") {
      connection.expired = true;
      if (connection.state === "idle") core.remove(connection, "lifetime");
    } else if (connection.state === "idle" && connection.stateSince + core.settings.idleTimeoutMs <= nowMs + SLACK_MS && core.connections.size > core.settings.min) {
      core.remove(connection, "idle");
    }
  }
}

/** Time in which the event loop stood still is not the database's: from now on each operation has as much again, once, and at most its own length. */
function postpone(connection: Connection, lateMs: number, nowMs: number): void {
  if (connection.postponed) return;
  const { deadline, queryDeadline, queryTimeoutMs } = connection;
  if (Number.isFinite(deadline)) {
    connection.deadline = Math.max(deadline, nowMs + Math.min(lateMs, deadline - connection.stateSince));
    connection.postponed = true;
  }
  if (Number.isFinite(queryDeadline)) {
    connection.queryStartedAt = Math.max(queryDeadline, nowMs + Math.min(lateMs, queryTimeoutMs)) - queryTimeoutMs;
    connection.postponed = true;
  }
}

function judgeConnection(core: PoolState, supply: Supply, connection: Connection, nowMs: number): void {
  const { settings } = core;
  if (connection.deadline <= nowMs + SLACK_MS) {
    if (connection.state === "opening") {
      const message = `Connection terminated due to connection timeout: opening a connection of pool "${settings.name}" took longer than ${settings.connectTimeoutMs} ms.`;
      supply.openFailed(connection, core.error("POOL_CONNECT_TIMEOUT", message, "See whether the database can be reached from here; raise connectTimeoutMs if it is only slow."));
    } else if (connection.state === "validating") {
      supply.validationFailed(connection, core.error("POOL_VALIDATION_TIMEOUT", `An idle connection of pool "${settings.name}" did not answer within ${settings.validationTimeoutMs} ms.`));
    } else if (connection.state === "returning") {
      if (connection.busy) stopQuery(core, supply, connection);
      core.remove(connection, "reset-failed", core.error("POOL_QUERY_TIMEOUT", "The connection could not be cleaned in time."));
    }
  } else if (connection.queryDeadline <= nowMs + SLACK_MS && connection.broken === undefined) {
    stopQuery(core, supply, connection);
  } else {
    reportLeak(core, connection, nowMs);
  }
}

/** A query that outlived its deadline: its caller hears now, its backend is asked to stop, then its socket goes. */
function stopQuery(core: PoolState, supply: Supply, connection: Connection): void {
  const error = core.error(
    "POOL_QUERY_TIMEOUT",
    `A query on pool "${core.settings.name}" did not end within ${connection.queryTimeoutMs} ms. Its connection was closed and its backend asked to stop; if it was a write, whether it took effect is unknown.`,
    "Look whether the query is slow or the network gone; raise queryTimeoutMs if it may take longer.",
  );
  const sinceMs = now();
  void cutOff(connection, error, core.options.stream).then((unreachable) => {
    // A server that takes the request is there, and only the query was slow.
    if (unreachable !== undefined) supply.endGeneration(sinceMs, unreachable);
  });
}

/** Held for long without a sign of use. A cursor that nobody reads counts as none. */
function reportLeak(core: PoolState, connection: Connection, nowMs: number): void {
  if (connection.state !== "lent" || connection.leakReported) return;
  if (connection.busy && connection.queryTimeoutMs !== Infinity) return;
  if (leakAt(core, connection) > nowMs + SLACK_MS) return;
  connection.leakReported = true;
  core.leaks.arm(nowMs);
  const report = { client: connection.client, heldMs: nowMs - connection.stateSince, stack: stackOf(connection.acquireSite), user: connection.user };
  core.log("possible leak", report.heldMs, report.stack);
  core.observer?.onLeak(report);
}

function leakAt(core: PoolState, connection: Connection): number {
  return Math.max(connection.stateSince, connection.heardAt) + core.settings.leakThresholdMs;
}

function refuseLate(core: PoolState, nowMs: number): void {
  for (const waiter of core.queue) {
    if (waiter.deadline > nowMs + SLACK_MS) continue;
    core.queue.delete(waiter);
    const waitedMs = Math.round(nowMs - waiter.since);
    const { total, idle, waiting } = core.counts;
    // pg-pool's words come first: programs look for them.
    const message = `timeout exceeded when trying to connect: pool "${core.settings.name}" had no connection for ${waitedMs} ms (total ${total}, idle ${idle}, waiting ${waiting}, max ${core.settings.max}).`;
    const hint = core.trust.lastError === undefined ? "All connections were in use: look for leaks and slow queries before raising max." : "The database could not be reached: see the cause.";
    waiter.refused(core.error("POOL_ACQUIRE_TIMEOUT", message, hint, core.trust.lastError));
  }
}

/** The next moment at which something may be due. */
function nextDeadline(core: PoolState, supply: Supply, nowMs: number): number {
  const { settings } = core;
  let next = Infinity;
  const consider = (at: number): void => {
    if (at > nowMs + SLACK_MS && at < next) next = at;
  };
  for (const connection of core.connections) {
    consider(connection.deadline);
    consider(connection.queryDeadline);
    consider(connection.expiresAt);
    if (connection.state === "idle" && core.connections.size > settings.min) consider(connection.stateSince + settings.idleTimeoutMs);
    if (connection.state === "lent" && !connection.leakReported) {
      const at = leakAt(core, connection);
      // A query is running: look again later, whether the connection is held after it.
      consider(at > nowMs + SLACK_MS ? at : nowMs + 1000);
    }
  }
  for (const waiter of core.queue) consider(waiter.deadline);
  if (core.endsAt !== undefined) consider(core.endsAt);
  if (supply.login !== undefined) consider(supply.login.looksAt);
  return next;
}

import { now } from "./alarm";
import { cutOff } from "./cancel";
import type { PoolState } from "./state";

/**
 * Closes a pool: refuses who waits, except callers whose connection is already being opened; closes what is idle; and leaves lent connections
 * `graceMs`, after which `endNow` comes. Calls back when nothing is left.
 */
export function shutDown(core: PoolState, graceMs: number, done: () => void): void {
  core.log("ending");
  const nowMs = now();
  core.endsAt = nowMs + graceMs;
  const opening = [...core.connections].filter(({ state }) => state === "opening");
  const served = [...core.queue].sort((a, b) => a.since - b.since).slice(0, opening.length);
  for (const waiter of core.queue) {
    if (served.includes(waiter)) continue;
    core.queue.delete(waiter);
    waiter.refused(core.error("POOL_CLOSED", `Pool "${core.settings.name}" was closed while the caller waited.`));
  }
  for (const connection of opening.slice(served.length)) core.remove(connection, "closed");
  for (const connection of [...core.idle]) core.remove(connection, "closed");
  core.whenEmpty(done);
  core.alarm.arm(core.endsAt);
  core.pump(nowMs);
}

/** The grace of a closing pool is over. */
export function endNow(core: PoolState): void {
  const error = core.error("POOL_CLOSED", `Pool "${core.settings.name}" was closed, and its grace is over.`);
  for (const waiter of core.queue) {
    core.queue.delete(waiter);
    waiter.refused(error);
  }
  for (const connection of [...core.connections]) {
    if (connection.busy && connection.state !== "opening") void cutOff(connection, error, core.options.stream);
    core.remove(connection, "closed", error);
  }
}

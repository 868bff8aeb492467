import { now } from "./alarm";
import type { Connection } from "./connection";
import { toError } from "./errors";
import type { Opener } from "./open";
import { resetSession } from "./reset";
import type { PoolState } from "./state";

/**
 * Brings a returned connection back to a clean state before anybody else gets it, or closes it. A query that is still running is left to end
 * within its deadline; an open or failed transaction is rolled back and a session discarded within `resetTimeoutMs`.
 */
export function recover(core: PoolState, opener: Opener, connection: Connection): void {
  const nowMs = now();
  connection.move("returning", nowMs);
  if (connection.busy) {
    // A cursor that its reader gave up has no deadline of its own.
    connection.deadline = Number.isFinite(connection.queryDeadline) ? connection.queryDeadline : nowMs + core.settings.resetTimeoutMs;
    core.alarm.arm(connection.deadline);
    connection.onReady = () => {
      if (connection.state !== "returning") return;
      recover(core, opener, connection);
      core.pump(now());
    };
    return;
  }
  const status = connection.transactionStatus;
  if (status === "I" && !connection.dirty) {
    core.makeIdle(connection, nowMs);
    return;
  }
  if (status !== "I") {
    core.log("rolling back a transaction left open", status);
    core.observer?.onTransactionLeft(status);
  }
  connection.deadline = nowMs + core.settings.resetTimeoutMs;
  core.alarm.arm(connection.deadline);
  const discard = connection.dirty && core.settings.pooler !== "transaction";
  resetSession(connection, discard)
    .then(() => (discard ? opener.prepareSession(connection.client) : undefined))
    .then(
      () => {
        if (connection.state !== "returning") return;
        connection.dirty = false;
        core.makeIdle(connection, now());
        core.pump(now());
      },
      (error: unknown) => {
        core.remove(connection, "reset-failed", toError(error));
        core.pump(now());
      },
    );
}

import { createHash } from "node:crypto";
import { BulkheadError } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import { HISTORY_TABLE } from "./history";
import type { MigrationSession } from "./session";
import { jitterMs, waitMs } from "./wait";

const POLL_MIN_MS = 50;
const POLL_MAX_MS = 250;
/** How long another migrator is waited for. */
export const LOCK_WAIT_MS = 10 * 60_000;
const REMINDER_MS = 10_000;

/**
 * Runs `work` while this session holds the migration lock of its database. The lock is taken by trying again and again, never by a blocking
 * call: a blocked call holds a snapshot, which CREATE INDEX CONCURRENTLY of the other session waits for, and both would wait for each other
 * until Postgres calls it a deadlock (40P01). The lock belongs to the session: it is gone when the process is.
 * Throws MIGRATION_LOCK_HELD, naming the holder, after `waitAtMostMs`.
 */
export async function withMigrationLock<T>(session: MigrationSession, work: () => Promise<T>, waitAtMostMs = LOCK_WAIT_MS): Promise<T> {
  const key = lockKey(session.database);
  await acquire(session, key, waitAtMostMs);
  try {
    return await work();
  } finally {
    // Where this fails the connection is gone, and the lock with it.
    await session.client.query("SELECT pg_advisory_unlock($1)", [key]).catch(() => {});
  }
}

/** Key of the lock, a signed 64-bit number as text: the same for every runner of this history table in this database. */
export function lockKey(database: string): string {
  return createHash("sha256").update(`bulkhead ${database} ${HISTORY_TABLE}`).digest().readBigInt64BE(0).toString();
}

async function acquire(session: MigrationSession, key: string, waitAtMostMs: number): Promise<void> {
  const startedAt = performance.now();
  let nextReminderMs = 0;
  for (;;) {
    const { rows } = await session.client.query<{ held: boolean }>("SELECT pg_try_advisory_lock($1) AS held", [key]);
    if (rows[0]!.held) return;
    const waitedMs = performance.now() - startedAt;
    if (waitedMs >= waitAtMostMs) {
      throw new BulkheadError(
        "MIGRATION_LOCK_HELD",
        `The migration lock of ${session.database} is held by ${await describeHolder(session, key)}; gave up after ${Math.round(waitedMs / 1000)} s.`,
        { hint: `wait until it is done, then run it again: npx bulkhead migrate up ${session.service}` },
      );
    }
    if (waitedMs >= nextReminderMs) {
      nextReminderMs = waitedMs + REMINDER_MS;
      session.progress(`${session.service}: waiting for the migration lock, held by ${await describeHolder(session, key)}`);
    }
    await waitMs(jitterMs(POLL_MIN_MS, POLL_MAX_MS), session.signal);
  }
}

async function describeHolder({ client }: MigrationSession, key: string): Promise<string> {
  const { rows } = await client.query<{ pid: number; login: string | null; application: string | null }>(
    `SELECT l.pid, a.usename AS login, a.application_name AS application
       FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (l.classid::bigint << 32) | l.objid::bigint = $1::bigint`,
    [key],
  );
  const holder = rows[0];
  if (holder === undefined) return "a session that has just ended";
  const application = holder.application === null || holder.application === "" ? "" : `, ${redact(holder.application)}`;
  return `the session of ${holder.login ?? "an unknown role"} with process id ${holder.pid}${application}`;
}

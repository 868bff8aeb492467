import type { Client } from "pg";
import { sqlstateOf } from "../pool/errors";
import { quoteIdentifier } from "../postgres/identifier";
import { madeAtMs } from "./names";

/** A template that was made longer ago is made anew when it is next wanted. */
const TEMPLATE_TTL_MS = 7 * 24 * 3_600_000;
const OBJECT_IN_USE = "55006";

/**
 * Drops what earlier runs left behind: test databases that are older than `ttlMs` and that nobody is connected to, their logins, and old templates.
 * @returns the databases dropped
 */
export async function sweepTestDatabases(admin: Client, ttlMs: number, nowMs = Date.now()): Promise<string[]> {
  const dropped: string[] = [];
  const { rows } = await admin.query<{ name: string; comment: string | null }>(
    // DROP DATABASE would wait five seconds for each that somebody is connected to.
    `SELECT datname AS name, shobj_description(oid, 'pg_database') AS comment FROM pg_database AS d
     WHERE datname LIKE 'bulkhead\\_t%' AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE datid = d.oid) ORDER BY datname`,
  );
  for (const { name, comment } of rows) {
    const madeAt = name.startsWith("bulkhead_tpl_") && !name.endsWith("_draft") ? Date.parse(comment ?? "") + TEMPLATE_TTL_MS - ttlMs : madeAtMs(name);
    if (madeAt === undefined || !(nowMs - madeAt > ttlMs)) continue;
    // Not by force: somebody may have connected since, to debug for hours.
    const gone = await admin.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)}`).then(
      () => true,
      (error: unknown) => {
        if (sqlstateOf(error) !== OBJECT_IN_USE) throw error;
        return false;
      },
    );
    if (gone) dropped.push(name);
  }
  const logins = await admin.query<{ name: string }>(
    "SELECT rolname AS name FROM pg_roles WHERE rolcanlogin AND rolname LIKE 'bulkhead\\_test\\_%' AND NOT EXISTS (SELECT FROM pg_database WHERE datname = rolname)",
  );
  // A login is made after its database and dropped after it: without one, it is left over, or being dropped by somebody else.
  for (const { name } of logins.rows) if (madeAtMs(name) !== undefined) await admin.query(`DROP ROLE IF EXISTS ${quoteIdentifier(name)}`);
  return dropped;
}

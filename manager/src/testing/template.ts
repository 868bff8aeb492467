import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { BulkheadError } from "../errors/bulkhead-error";
import { migrate } from "../migrate";
import { readMigrations } from "../migrate/files";
import { sqlstateOf } from "../pool/errors";
import { closeSession } from "../postgres/connect";
import { quoteIdentifier, quoteLiteral } from "../postgres/identifier";
import { APP, OWNER, templateName } from "./names";

/** First half of the advisory lock's key; the second is hashed from the template's name. */
const LOCK_SPACE = 0x62756c6b;
const LOCK_POLL_MS = 20;
/** Another process may be migrating. */
const LOCK_WAIT_MS = 120_000;
/** A session that was closed takes a moment to be gone on the server. */
const RENAME_WAIT_MS = 10_000;

const OBJECT_IN_USE = "55006";

/** What a template is made from. */
export interface TemplateSource {
  readonly service: string;
  /** The schema folder, e.g. `schemas/auth`. */
  readonly directory: string;
  /** Database that the template is cloned from. */
  readonly base: string;
  readonly openSession: (database: string) => Promise<Client>;
  readonly progress: (line: string) => void;
}

/**
 * The name of the service's template, which is made first where it is missing: once, however many processes ask.
 * @throws BulkheadError TEST_TEMPLATE_LOCK_HELD, and as `migrate`
 */
export async function ensureTemplate(admin: Client, source: TemplateSource): Promise<string> {
  const name = templateName(source.service, source.base, await readMigrations(source.directory));
  if (await exists(admin, name)) return name;
  await lock(admin, name);
  try {
    if (!(await exists(admin, name))) await makeTemplate(admin, name, source);
  } finally {
    await admin.query("SELECT pg_advisory_unlock($1, hashtext($2))", [LOCK_SPACE, name]).catch(() => undefined);
  }
  return name;
}

/** Built under another name and renamed at the end: it is there whole, or not at all. */
async function makeTemplate(admin: Client, name: string, source: TemplateSource): Promise<void> {
  const { service, directory, base, openSession, progress } = source;
  const draft = `${name}_draft`;
  progress(`${service}: making the template of its test databases`);
  await ensureRoles(admin);
  await admin.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(draft)} WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${quoteIdentifier(draft)} OWNER ${OWNER} TEMPLATE ${quoteIdentifier(base)}`);
  try {
    const session = await openSession(draft);
    try {
      // As provisioning has it: whatever the owner makes, the app may use, and PUBLIC nothing.
      await session.query(`
        SET ROLE ${OWNER};
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
        GRANT USAGE ON SCHEMA public TO ${APP};
        ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
        ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${APP};
        ALTER DEFAULT PRIVILEGES GRANT USAGE, SELECT ON SEQUENCES TO ${APP};
        ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO ${APP}`);
      await migrate({ client: session, service, owner: OWNER, directory, readers: [APP], progress });
      // Files are what a clone costs: a table that was just rewritten has no free-space and no visibility map, which are a quarter of them.
      await session.query("VACUUM (FULL, SKIP_DATABASE_STATS)");
    } finally {
      await closeSession(session);
    }
    await admin.query(`COMMENT ON DATABASE ${quoteIdentifier(draft)} IS ${quoteLiteral(new Date().toISOString())}`);
    await rename(admin, draft, name);
  } catch (error) {
    await admin.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(draft)} WITH (FORCE)`).catch(() => undefined);
    throw error;
  }
}

/** With nobody able to connect to it, cloning never meets "source database is being accessed by other users". */
async function rename(admin: Client, draft: string, name: string): Promise<void> {
  await admin.query(`ALTER DATABASE ${quoteIdentifier(draft)} WITH ALLOW_CONNECTIONS false`);
  const endsAt = performance.now() + RENAME_WAIT_MS;
  for (;;) {
    try {
      await admin.query(`ALTER DATABASE ${quoteIdentifier(draft)} RENAME TO ${quoteIdentifier(name)}`);
      return;
    } catch (error) {
      if (sqlstateOf(error) !== OBJECT_IN_USE || performance.now() > endsAt) throw error;
      await sleep(LOCK_POLL_MS);
    }
  }
}

/** CREATE ROLE has no IF NOT EXISTS; templates of two services may be made at once. */
async function ensureRoles(admin: Client): Promise<void> {
  const { rows } = await admin.query<{ rolname: string }>("SELECT rolname FROM pg_roles WHERE rolname = ANY($1)", [[OWNER, APP]]);
  const have = new Set(rows.map(({ rolname }) => rolname));
  for (const role of [OWNER, APP]) {
    if (have.has(role)) continue;
    await admin.query(`CREATE ROLE ${role} NOLOGIN`).catch((error: unknown) => {
      if (!DUPLICATE.has(sqlstateOf(error) ?? "")) throw error;
    });
  }
  // The admin acts as the owner: it makes databases for it and clones them.
  await admin.query(`GRANT ${OWNER} TO CURRENT_USER`);
}

/** duplicate_object, and unique_violation where two are created in the same moment. */
const DUPLICATE = new Set(["42710", "23505"]);

async function exists(admin: Client, name: string): Promise<boolean> {
  return (await admin.query("SELECT FROM pg_database WHERE datname = $1", [name])).rowCount === 1;
}

/** Polled: a lock that is waited for in the server holds a snapshot, which some statements of the holder wait for in turn. */
async function lock(admin: Client, name: string): Promise<void> {
  const endsAt = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    const { rows } = await admin.query<{ locked: boolean }>("SELECT pg_try_advisory_lock($1, hashtext($2)) AS locked", [LOCK_SPACE, name]);
    if (rows[0]?.locked === true) return;
    if (performance.now() > endsAt) throw new BulkheadError("TEST_TEMPLATE_LOCK_HELD", `Another process has been making the template ${name} for ${LOCK_WAIT_MS / 1000} s.`, { hint: "See who: SELECT pid, application_name FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE locktype = 'advisory'" });
    await sleep(LOCK_POLL_MS);
  }
}

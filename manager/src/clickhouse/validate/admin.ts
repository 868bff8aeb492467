import { quoteIdentifier } from "../quoting";
import { DENIED, expectRefusal, failed, probeName } from "./session";
import type { Finding, ServiceSession } from "./session";

interface AdminAttempt {
  readonly what: string;
  readonly sql: string;
  /** UNKNOWN_TABLE: a server without the table has nothing to hide in it. */
  readonly mayBeMissing?: boolean;
  /** What takes back what was allowed. */
  readonly undo?: string;
}

/** What only servers with grants keep a user from. None of it does harm where it is allowed: addresses are port 1 of the server itself. */
function attempts(self: string): readonly AdminAttempt[] {
  const probe = quoteIdentifier(probeName());
  return [
    { what: "CREATE USER", sql: `CREATE USER ${probe} IDENTIFIED WITH sha256_hash BY '${"0".repeat(64)}' HOST NONE`, undo: `DROP USER IF EXISTS ${probe}` },
    { what: "GRANT", sql: `GRANT SELECT ON system.one TO ${quoteIdentifier(self)}` },
    { what: "SYSTEM DROP DNS CACHE", sql: "SYSTEM DROP DNS CACHE" },
    { what: "SYSTEM RELOAD CONFIG", sql: "SYSTEM RELOAD CONFIG" },
    { what: "file()", sql: "SELECT * FROM file('bulkhead_probe', 'TSV', 'line String')" },
    { what: "url()", sql: "SELECT * FROM url('https://127.0.0.1:1/', 'TSV', 'line String')" },
    { what: "remote()", sql: "SELECT * FROM remote('127.0.0.1:1', 'system', 'one')" },
    { what: "CREATE DICTIONARY", sql: `CREATE DICTIONARY ${probe} (id UInt64, line String) PRIMARY KEY id SOURCE(HTTP(URL 'https://127.0.0.1:1/' FORMAT 'TSV')) LAYOUT(FLAT()) LIFETIME(3600)`, undo: `DROP DICTIONARY IF EXISTS ${probe}` },
    { what: "system.processes", sql: "SELECT count() FROM system.processes" },
    { what: "system.users", sql: "SELECT count() FROM system.users" },
    { what: "system.query_log", sql: "SELECT count() FROM system.query_log", mayBeMissing: true },
  ];
}

const UNKNOWN_TABLE = 60;

/** Tries what an administrator does. On a server without grants the most of it cannot hold, so nothing of it is claimed. */
export async function checkAdmin({ query, secret, dialect, version }: ServiceSession): Promise<Finding> {
  const problems: string[] = [];
  const attempt = async ({ what, sql, undo, mayBeMissing = false }: AdminAttempt): Promise<void> => {
    const { outcome, detail } = await expectRefusal(() => query(sql), mayBeMissing ? [...DENIED, UNKNOWN_TABLE] : DENIED);
    if (outcome !== "refused") problems.push(`${what} ${detail}`);
    if (outcome === "allowed" && undo !== undefined) await query(undo);
  };

  const database = quoteIdentifier(probeName());
  await attempt({ what: "CREATE DATABASE", sql: `CREATE DATABASE ${database}`, undo: `DROP DATABASE ${database}` });
  const tried = dialect === "grants" ? attempts(secret.username) : [];
  for (const each of tried) await attempt(each);

  if (problems.length > 0) return failed(problems.join("; "));
  if (dialect === "grants") return { status: "passed", detail: `refused: CREATE DATABASE, ${tried.map(({ what }) => what).join(", ")}` };
  return {
    status: "skipped",
    detail: `CREATE DATABASE is refused, but ClickHouse ${version} has no grants in its users' files: whoever it lets in may run SYSTEM commands, use file(), url() and remote(), and read system tables; use a release from 23.8 on`,
  };
}

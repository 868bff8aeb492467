import { quoteIdentifier, quoteText } from "../quoting";
import type { ProbeTable } from "./probe-table";
import { DENIED, expectRefusal, failed, probeName } from "./session";
import type { Finding, ServiceSession } from "./session";

/** Another service's database, with a table that is really there: a table that is not would be refused as unknown. */
export interface Neighbour {
  readonly database: string;
  readonly table: ProbeTable;
}

/**
 * Tries the tables of all others: reading each, and with one of them everything else, since every refusal counts as an error in the service's own quota. Never a statement that would hurt anybody where it is allowed: it goes
 * to tables made for this.
 */
export async function checkForeignDatabases({ query }: ServiceSession, neighbours: readonly Neighbour[]): Promise<Finding> {
  const problems: string[] = [];
  const attempt = async (what: string, sql: string): Promise<boolean> => {
    // From `system`, so that not the session's own database is what is refused.
    const { outcome, detail } = await expectRefusal(() => query(sql, { database: "system" }), DENIED);
    if (outcome !== "refused") problems.push(`${what} ${detail}`);
    return outcome === "allowed";
  };
  const attemptCreate = async (database: string): Promise<void> => {
    const table = `${quoteIdentifier(database)}.${quoteIdentifier(probeName())}`;
    if (await attempt(`CREATE TABLE in ${database}`, `CREATE TABLE ${table} (id UInt8) ENGINE = Memory`)) await query(`DROP TABLE IF EXISTS ${table}`, { database: "system" });
  };

  await attemptCreate("default");
  for (const [index, { database, table }] of neighbours.entries()) {
    await attempt(`SELECT from ${database}`, `SELECT * FROM ${table.qualified}`);
    const { text } = await query(`SELECT count() FROM system.tables WHERE database = ${quoteText(database)}`);
    if (text.trim() !== "0") problems.push(`sees the names of tables in ${database}`);
    if (index > 0) continue;
    await attempt(`INSERT into ${database}`, `INSERT INTO ${table.qualified} VALUES (2, 'intruder')`);
    await attempt(`DROP TABLE in ${database}`, `DROP TABLE ${table.qualified}`);
    await attemptCreate(database);
  }
  if (problems.length > 0) return failed(problems.join("; "));
  const others = neighbours.map(({ database }) => database).join(", ");
  return { status: "passed", detail: others === "" ? "refused in default; there is no other service's database" : `reading, writing, making and dropping tables refused in ${others} and default` };
}

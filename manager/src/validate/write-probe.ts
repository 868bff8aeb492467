import { randomBytes } from "node:crypto";

import type { Client, QueryResult } from "pg";

import type { CompartmentPlan } from "../plan/plan";
import { quoteIdentifier, quoteLiteral } from "../postgres/identifier";

/**
 * As the migrator: makes a table, writes a row, asks what the service's roles may do with it by default privileges, and rolls all back.
 *
 * @returns what is wrong, a sentence each
 */
export async function probeWrite(client: Client, { roles: { app, readonly, owner } }: CompartmentPlan): Promise<string[]> {
  // Two validations at once must not wait for each other.
  const table = `bulkhead_probe_${randomBytes(6).toString("hex")}`;
  const name = `public.${quoteIdentifier(table)}`;
  const may = (role: string, privilege: string): string => `has_table_privilege(${quoteLiteral(role)}, '${name}'::regclass, '${privilege}')`;
  const mayNot = ["INSERT", "UPDATE", "DELETE"].map((privilege) => may(readonly, privilege)).join(" OR ");
  const script = [
    "BEGIN",
    `CREATE TABLE ${name} (id bigint GENERATED ALWAYS AS IDENTITY, note text)`,
    `INSERT INTO ${name} (note) VALUES ('written by bulkhead validate')`,
    `SELECT (SELECT count(*) FROM ${name}) = 1 AS written,
       (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = '${name}'::regclass) AS owner,
       ${["SELECT", "INSERT", "UPDATE", "DELETE"].map((privilege) => may(app, privilege)).join(" AND ")} AS app,
       has_sequence_privilege(${quoteLiteral(app)}, pg_get_serial_sequence('${name}', 'id')::regclass, 'USAGE') AS sequence,
       ${may(readonly, "SELECT")} AS reads, ${mayNot} AS writes`,
    "ROLLBACK",
    `SELECT to_regclass('${name}') IS NULL AS gone`,
  ].join(";");
  let results: QueryResult<Record<string, unknown>>[];
  try {
    results = (await client.query(script)) as unknown as QueryResult<Record<string, unknown>>[];
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
  const probe = results[3]!.rows[0]!;
  const problems: string[] = [];
  if (probe["written"] !== true) problems.push("a row that was written is not there");
  if (probe["owner"] !== owner) problems.push(`a new table belongs to ${String(probe["owner"])}, not ${owner}`);
  if (probe["app"] !== true) problems.push(`${app} cannot read and write a new table`);
  if (probe["sequence"] !== true) problems.push(`${app} cannot use a new table's sequence`);
  if (probe["reads"] !== true) problems.push(`${readonly} cannot read a new table`);
  if (probe["writes"] !== false) problems.push(`${readonly} can write a new table`);
  if (results[5]!.rows[0]!["gone"] !== true) problems.push("the probe's table is still there after the rollback");
  return problems;
}

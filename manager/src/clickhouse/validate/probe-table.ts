import { quoteIdentifier, quoteText } from "../quoting";
import { isStaleProbe, probeName } from "./session";
import type { Finding, ServiceSession } from "./session";

/** A table of a service's own database, there while the checks run. */
export interface ProbeTable {
  readonly name: string;
  /** As SQL names it from any database. */
  readonly qualified: string;
}

/** Makes a table, fills and reads it. On the way removes those that an earlier run had to leave behind. */
export async function makeProbeTable({ query, secret }: ServiceSession): Promise<ProbeTable & { readonly finding: Finding }> {
  const { text } = await query(`SELECT name FROM system.tables WHERE database = ${quoteText(secret.scope)} AND name LIKE 'bulkhead_probe_%'`);
  for (const stale of text.split("\n").filter(isStaleProbe)) await query(`DROP TABLE IF EXISTS ${quoteIdentifier(stale)}`);
  const name = probeName();
  await query(`CREATE TABLE ${quoteIdentifier(name)} (id UInt32, text String) ENGINE = MergeTree() ORDER BY id`);
  await query(`INSERT INTO ${quoteIdentifier(name)} VALUES (1, 'probe')`);
  const { text: read, tlsVersion } = await query(`SELECT text FROM ${quoteIdentifier(name)} WHERE id = 1`);
  const isWhole = read.trim() === "probe" && /^TLSv1\.[23]$/.test(tlsVersion);
  const detail = isWhole ? `made, filled and read a table of ${secret.scope} over ${tlsVersion}, the server verified` : `read ${JSON.stringify(read.slice(0, 100))} over ${tlsVersion} where "probe" was written`;
  return { name, qualified: `${quoteIdentifier(secret.scope)}.${quoteIdentifier(name)}`, finding: isWhole ? { status: "passed", detail } : { status: "failed", detail } };
}

/** A server with grants keeps a dropped table for some minutes unless it is told not to. */
export async function dropProbeTable({ query, dialect }: ServiceSession, { name }: ProbeTable): Promise<void> {
  await query(`DROP TABLE IF EXISTS ${quoteIdentifier(name)}${dialect === "grants" ? " SYNC" : ""}`);
}

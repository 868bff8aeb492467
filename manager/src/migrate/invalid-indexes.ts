import type { Client } from "pg";
import { quoteIdentifier } from "../postgres/identifier";
import type { MigrationSession } from "./session";
import type { Statement } from "./split-statements";

/** An index that queries do not use, and that costs every write: what a failed CREATE INDEX CONCURRENTLY leaves. */
export interface InvalidIndex {
  readonly schema: string;
  readonly name: string;
}

/** The invalid indexes of the database; those of partitioned tables are left out, which are invalid until every partition has its part. */
export async function readInvalidIndexes(client: Client): Promise<InvalidIndex[]> {
  const { rows } = await client.query<InvalidIndex>(
    `SELECT n.nspname AS schema, c.relname AS name
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
      ORDER BY 1, 2`,
  );
  return rows;
}

/**
 * Drops the invalid index whose name a CREATE INDEX CONCURRENTLY is about to take: what an earlier try left. With IF NOT EXISTS the statement would take it
 * for its own, without it would fail for ever. No query is served by it, and the statement that follows makes it anew.
 */
export async function dropInvalidIndex({ client, progress, service }: MigrationSession, statement: Statement): Promise<void> {
  const target = concurrentIndexOf(statement);
  if (target === undefined) return;
  const found = (await readInvalidIndexes(client)).find(({ schema, name }) => name === target.name && schema === (target.schema ?? "public"));
  if (found === undefined) return;
  progress(`${service}: dropping the invalid index ${shownIndex(found)}, which an earlier try left`);
  await client.query(`DROP INDEX CONCURRENTLY ${shownIndex(found)}`);
}

/** An index as it is written in SQL. */
export function shownIndex({ schema, name }: InvalidIndex): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** The index that a statement makes concurrently, or undefined; `schema` is undefined where its table's is not written. */
export function concurrentIndexOf({ head }: Statement): { schema: string | undefined; name: string } | undefined {
  const words = head.filter((word, index) => !(index === 1 && word === "unique"));
  if (words[0] !== "create" || words[1] !== "index" || words[2] !== "concurrently") return undefined;
  const rest = words.slice(words[3] === "if" && words[4] === "not" && words[5] === "exists" ? 6 : 3);
  if (rest[0] === undefined || rest[1] !== "on") return undefined;
  const table = rest.slice(rest[2] === "only" ? 3 : 2);
  return { name: identifierOf(rest[0]), schema: table[1] === "." ? identifierOf(table[0]!) : undefined };
}

function identifierOf(token: string): string {
  return token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token;
}

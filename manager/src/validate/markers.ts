import type { Client } from "pg";

/** What the text of every marked statement holds. */
const MARK = "bulkhead marker of ";
const MARKER_NAME = new RegExp(`${MARK}([a-z0-9_-]+)`);

/**
 * Runs a statement whose text in pg_stat_statements tells where it was run. The mark is a comment, since constants are taken out of the
 * text; it is always the same one, so that it takes one entry of the statistics however often validation is run.
 *
 * @param name the service, or `tier` for the admin's
 */
export async function runMarkedStatement(client: Client, name: string): Promise<void> {
  await client.query(`SELECT bulkhead.marker /* ${MARK}${name} */ FROM (VALUES (1), (2), (3)) AS bulkhead (marker) WHERE bulkhead.marker > 2`);
}

/** Whose marked statements a session finds in `bulkhead.statements`. */
export async function readMarkers(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ query: string }>("SELECT query FROM bulkhead.statements WHERE query LIKE $1", [`%${MARK}%`]);
  return [...new Set(rows.flatMap(({ query }) => MARKER_NAME.exec(query)?.[1] ?? []))];
}

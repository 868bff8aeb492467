import type { Client } from "pg";

import { AGREED_DATABASE } from "../provision/read-cluster";
import type { OpenSuperuserSession } from "./session";
import { withSuperuserSession } from "./session";

/** No service's: names that begin so are reserved in the catalog. */
export const SCRATCH_DATABASE = "bulkhead_adopt_scratch";

/** Runs `use` in a new, empty database, and drops it whatever happens. What a killed run left goes first. */
export async function withScratchDatabase<T>({ openSession, superuser }: { readonly openSession: OpenSuperuserSession; readonly superuser: string }, use: (client: Client) => Promise<T>): Promise<T> {
  const inPostgres = (work: (client: Client) => Promise<unknown>): Promise<unknown> => withSuperuserSession(() => openSession(AGREED_DATABASE, superuser), work);
  await inPostgres(async (client) => {
    await dropScratch(client);
    // Superusers are not bound by the limit. It is the mark, too, by which the next run knows what it may drop.
    await client.query(`CREATE DATABASE ${SCRATCH_DATABASE} TEMPLATE template0 CONNECTION LIMIT 0`);
  });
  try {
    return await withSuperuserSession(() => openSession(SCRATCH_DATABASE, superuser), use);
  } finally {
    await inPostgres(dropScratch);
  }
}

async function dropScratch(client: Client): Promise<void> {
  const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1 AND datconnlimit IN (0, -2)", [SCRATCH_DATABASE]);
  if (rowCount === 1) await client.query(`DROP DATABASE ${SCRATCH_DATABASE} WITH (FORCE)`);
}

import { closeSession } from "../../../manager/src/postgres/connect";
import { quoteIdentifier } from "../../../manager/src/postgres/identifier";
import type { ProvisionOptions } from "../../../manager/src/provision/options";
import { AGREED_DATABASE } from "../../../manager/src/provision/read-cluster";
import type { Endpoint } from "../../../manager/src/secrets/secret";
import { sessionOperations } from "../../../manager/src/setup/operations";
import type { TierOperations } from "../../../manager/src/setup/operations";

/**
 * The operations by sessions, on a Cloud SQL server: a setup first closes the databases that came with the instance, which PUBLIC, and so
 * every service, may connect to.
 */
export function gcpSessionOperations(access: Pick<ProvisionOptions, "openSession" | "secrets"> & { readonly endpoint: Endpoint }): TierOperations {
  const operations = sessionOperations(access);
  return {
    ...operations,
    async setUp(context) {
      await closeInitialDatabases(access);
      return operations.setUp(context);
    },
  };
}

/** The local server is made with them closed; here they belong to cloudsqlsuperuser, of which the admin is a member. */
async function closeInitialDatabases({ openSession }: Pick<ProvisionOptions, "openSession">): Promise<void> {
  const client = await openSession(AGREED_DATABASE);
  try {
    // Compartments are set up side by side, and Postgres lets only one change a row of pg_database.
    await client.query("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('bulkhead initial databases', 0))");
    const { rows } = await client.query<{ name: string }>("SELECT datname AS name FROM pg_database WHERE datname IN ('postgres', 'template1') AND has_database_privilege('public', oid, 'CONNECT, TEMPORARY')");
    for (const { name } of rows) await client.query(`REVOKE ALL ON DATABASE ${quoteIdentifier(name)} FROM PUBLIC`);
    await client.query("COMMIT");
  } finally {
    await closeSession(client);
  }
}

import { roleNames } from "../catalog/names";
import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import type { TierPlan } from "../plan/plan";
import { closeSession } from "../postgres/connect";
import { quoteIdentifier } from "../postgres/identifier";
import { leftBehind } from "./books";
import type { ProvisionOptions } from "./options";
import { AGREED_DATABASE, readCluster } from "./read-cluster";

/** What `prune` removed. */
export interface PruneReport {
  readonly service: string;
  /** The database that is gone; null where it was gone already. */
  readonly database: string | null;
  readonly roles: readonly string[];
}

/**
 * Removes the compartment of a service that has left the catalog: sessions, database, roles, secrets, books. The one function that drops
 * data; the caller has had the name typed. Safe to run again after a crash: the books are closed last.
 *
 * @throws BulkheadError `PRUNE_IN_CATALOG`, `PRUNE_UNKNOWN`, `PRUNE_ROLE_IN_USE`; `POSTGRES_TOO_OLD`, `POSTGRES_VERSION_DIFFERS`
 */
export async function prune(plan: TierPlan, service: string, { openSession, secrets, progress }: Pick<ProvisionOptions, "openSession" | "secrets" | "progress">): Promise<PruneReport> {
  if (plan.compartments.some((compartment) => compartment.service === service)) {
    throw new BulkheadError("PRUNE_IN_CATALOG", `service ${service} is in the catalog; its compartment is not removed`, { hint: "take it out of services.ts first, and run npm run up" });
  }
  const { owner, migrator, app, users, readonly } = roleNames(service);
  const names = [...users, readonly, migrator, app, owner];
  const client = await openSession(AGREED_DATABASE);
  try {
    const cluster = await readCluster(client, names, [], plan.tier);
    const entry = leftBehind(plan, cluster).find((row) => row.service === service);
    if (entry === undefined) {
      const known = leftBehind(plan, cluster).map((row) => row.service);
      throw new BulkheadError("PRUNE_UNKNOWN", `no compartment of a service ${JSON.stringify(service)} was left behind; ${known.length === 0 ? "there is none at all" : `there is: ${known.join(", ")}`}`);
    }
    const database = cluster.databases.find(({ name }) => name === entry.database);
    if (database !== undefined) {
      const name = quoteIdentifier(database.name);
      progress?.(`dropping database ${database.name}`);
      // Closed first, so that nobody comes back between the end of the sessions and the drop. A limit of 0 holds for the admin too.
      await client.query(`SET ROLE ${quoteIdentifier(database.owner)}; ALTER DATABASE ${name} CONNECTION LIMIT 0; RESET ROLE`);
      await client.query("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", [database.name]);
      await client.query(`SET ROLE ${quoteIdentifier(database.owner)}`);
      await client.query(`DROP DATABASE ${name}`);
      await client.query("RESET ROLE");
    }
    const existing = names.filter((name) => cluster.roles.some((role) => role.name === name));
    for (const role of existing) {
      try {
        await client.query(`DROP ROLE ${quoteIdentifier(role)}`);
      } catch (error) {
        throw new BulkheadError("PRUNE_ROLE_IN_USE", `role ${role} cannot be dropped: ${messageOf(error)} ${(error as { detail?: string }).detail ?? ""}`.trim(), { hint: `in each database named above: REASSIGN OWNED BY "${role}" TO <owner>; DROP OWNED BY "${role}"; then run the command again`, cause: error });
      }
    }
    await secrets.remove(service);
    await client.query("DELETE FROM bulkhead.compartment WHERE service = $1", [service]);
    return { service, database: database?.name ?? null, roles: existing };
  } finally {
    await closeSession(client);
  }
}

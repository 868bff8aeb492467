import { BulkheadError } from "../errors/bulkhead-error";
import type { CompartmentPlan, TierPlan } from "../plan/plan";
import { mayActAs } from "./diff-database";
import type { ObservedCluster } from "./observed";

/**
 * Refuses a catalog that gives a service another database while the old one is there (it would get an empty one and lose sight of its data),
 * or one service's database to another (its objects belong to the other's roles).
 *
 * @throws BulkheadError `DATABASE_RENAMED` or `DATABASE_TAKEN`
 */
export function refuseRenames(plan: TierPlan, { compartments, databases }: ObservedCluster): void {
  const exists = (wanted: string): boolean => databases.some(({ name }) => name === wanted);
  for (const { service, database } of plan.compartments) {
    const other = compartments.find((row) => row.database === database.name && row.service !== service);
    if (other !== undefined && exists(database.name)) {
      throw new BulkheadError("DATABASE_TAKEN", `the catalog gives database ${database.name} to service ${service}, but it is the compartment of service ${other.service}`, {
        hint: `give ${service} a database of its own in services.ts and move the data there; if ${other.service} is gone for good: npx bulkhead prune ${other.service}`,
      });
    }
    const entered = compartments.find((row) => row.service === service);
    if (entered === undefined || entered.database === database.name || !exists(entered.database) || exists(database.name)) continue;
    throw new BulkheadError("DATABASE_RENAMED", `service ${service} has its data in database ${entered.database}, but the catalog now names ${database.name}, which does not exist`, {
      hint: `put ${JSON.stringify(entered.database)} back into services.ts, or rename the database while the service is stopped: ALTER DATABASE "${entered.database}" RENAME TO "${database.name}"`,
    });
  }
}

/**
 * Refuses to take over a database that somebody else owns: what is in it is theirs, and the admin has no right to it.
 *
 * @throws BulkheadError `DATABASE_FOREIGN`
 */
export function refuseForeignDatabases(plan: TierPlan, compartments: readonly CompartmentPlan[], { databases }: ObservedCluster): void {
  for (const { service, database, roles } of compartments) {
    const found = databases.find(({ name }) => name === database.name);
    if (found === undefined || mayActAs(plan, found.owner)) continue;
    throw new BulkheadError("DATABASE_FOREIGN", `database ${database.name} of service ${service} exists already and belongs to role ${found.owner}, which is not Bulkhead's; nothing was changed`, {
      hint: `give ${service} another database in services.ts; or, if this one is meant, as ${found.owner} or a superuser: ALTER DATABASE "${database.name.replaceAll('"', '""')}" OWNER TO ${roles.owner}`,
    });
  }
}

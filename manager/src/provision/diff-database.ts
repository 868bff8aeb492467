import type { CompartmentPlan, TierPlan } from "../plan/plan";
import { quoteIdentifier } from "../postgres/identifier";
import type { Change, ProvisionRule, Statement } from "./change";
import { describeDifference, diffPrivileges, ownPrivileges, privilegeSql } from "./diff-privileges";
import type { Grants } from "./diff-privileges";
import { borrowRights, returnRights } from "./membership-sql";
import type { ObservedCluster, ObservedDatabase, Privilege } from "./observed";
import { INITIAL_DATABASES } from "./read-cluster";

/** A new database takes no connection before PUBLIC's right to connect is gone; the limit is raised in the same step as the revoke. */
const CLOSED = 0;

/** What all databases share about the compartment's own database. Pure. */
export function diffDatabase(plan: TierPlan, compartment: CompartmentPlan, cluster: ObservedCluster): Change[] {
  const { service, database, roles } = compartment;
  const name = quoteIdentifier(database.name);
  const owner = quoteIdentifier(roles.owner);
  const change = (rule: ProvisionRule, finding: string, ...statements: Statement[]): Change => ({ rule, service, database: null, finding, statements });
  const found = cluster.databases.find((candidate) => candidate.name === database.name);
  const actual = found ?? freshDatabase(compartment);
  const changes: Change[] = [];

  if (found === undefined) {
    changes.push(change("database-exists", `database ${database.name} does not exist`, { sql: `CREATE DATABASE ${name} OWNER ${owner} TEMPLATE ${quoteIdentifier(plan.tier.template)} CONNECTION LIMIT ${CLOSED}` }));
  } else if (!found.allowConnections) {
    changes.push(change("database-exists", `database ${database.name} allows no connections`, { sql: `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`, as: roles.owner }));
  }
  if (actual.isTemplate) changes.push(change("database-owner", `database ${database.name} is a template, which anybody with CREATEDB may copy`, { sql: `ALTER DATABASE ${name} IS_TEMPLATE false`, as: roles.owner }));
  if (actual.owner !== roles.owner) {
    const changeOwner = change("database-owner", `database ${database.name} is owned by ${actual.owner}, not ${roles.owner}`, ...ownerSql(plan, actual.owner, roles.owner, `ALTER DATABASE ${name} OWNER TO ${owner}`));
    changes.push(mayActAs(plan, actual.owner) ? changeOwner : { ...changeOwner, manual: true });
  }

  const wanted: Grants = {
    [roles.app]: ["CONNECT"],
    [roles.migrator]: ["CONNECT"],
    [roles.readonly]: ["CONNECT"],
    // CREATE is for the schema that holds bulkhead.statements, which the owner must not be able to change.
    [plan.tier.admin]: ["CONNECT", "CREATE"],
  };
  // With the owner changes the owner's own entry: it is no longer somebody else's privilege.
  const difference = diffPrivileges(actual.privileges.filter(({ grantee }) => grantee !== roles.owner), wanted);
  const sql = privilegeSql(difference, wanted, `DATABASE ${name}`);
  if (sql.length > 0) changes.push(change("database-privileges", `on database ${database.name} ${describeDifference(difference)}`, ...sql.map((text) => ({ sql: text, as: roles.owner }))));

  if (actual.owner === roles.owner) changes.push(...ownPrivileges(actual.ownerLacks, `DATABASE ${name}`, roles.owner).map(({ finding, statement }) => change("database-privileges", finding, statement)));

  if (actual.connectionLimit !== database.connectionLimit) {
    changes.push(
      change("database-connection-limit", `database ${database.name} has CONNECTION LIMIT ${actual.connectionLimit}, not ${database.connectionLimit}`, { sql: `ALTER DATABASE ${name} CONNECTION LIMIT ${database.connectionLimit}`, as: roles.owner }),
    );
  }
  for (const setting of cluster.settings) {
    if (setting.role !== null || setting.database !== database.name) continue;
    changes.push(change("database-settings", `database ${database.name} sets ${setting.name}`, { sql: `ALTER DATABASE ${name} RESET ${quoteIdentifier(setting.name)}`, as: roles.owner }));
  }
  return changes;
}

/**
 * Databases outside the plan: what compartments' roles, or PUBLIC and so everybody, may do there. Those that the server came with are closed
 * where the admin has their owner's rights, as it has on Cloud SQL; the provider's own are not looked at.
 */
export function diffOtherDatabases(plan: TierPlan, cluster: ObservedCluster): Change[] {
  const known = new Set([...plan.compartments.map(({ database }) => database.name), ...(plan.tier.providerDatabases ?? [])]);
  const serviceOf = new Map(plan.compartments.flatMap(({ service, roleSpecs }) => roleSpecs.map(({ name }) => [name, service] as const)));
  // The database of a service that has left the catalog keeps its own roles' rights until it is pruned; no planned role is among them.
  return cluster.databases
    .filter(({ name }) => !known.has(name))
    .flatMap((database) => {
      const extra = database.privileges.filter(({ grantee }) => grantee === "PUBLIC" || serviceOf.has(grantee));
      if (extra.length === 0 || (!database.allowConnections && !database.isTemplate)) return [];
      const change = (entries: readonly Privilege[]): Change => {
        const difference = { extra: entries, missing: [] };
        const grantee = entries.find((entry) => serviceOf.has(entry.grantee))?.grantee;
        return {
          rule: "database-privileges",
          service: (grantee === undefined ? undefined : serviceOf.get(grantee)) ?? "tier",
          database: null,
          finding: `on database ${database.name}, which is in no compartment, ${describeDifference(difference)}`,
          statements: privilegeSql(difference, {}, `DATABASE ${quoteIdentifier(database.name)}`).map((sql) => ({ sql })),
        };
      };
      // A database that somebody else made is not Bulkhead's to change; and what was not granted in the owner's name, the owner cannot take back.
      const isOurs = ({ grantor }: Privilege): boolean => INITIAL_DATABASES.includes(database.name) && database.ownedByAdmin && grantor === database.owner;
      const ours = extra.filter(isOurs);
      const others = extra.filter((entry) => !isOurs(entry));
      return [...(ours.length > 0 ? [change(ours)] : []), ...(others.length > 0 ? [{ ...change(others), manual: true as const }] : [])];
    });
}

/** What `CREATE DATABASE` makes, so that the changes after it come out in the same run. */
function freshDatabase({ database, roles }: CompartmentPlan): ObservedDatabase {
  const byDefault = (privilege: string) => ({ grantee: "PUBLIC", grantor: roles.owner, privilege, grantable: false });
  return { name: database.name, owner: roles.owner, connectionLimit: CLOSED, allowConnections: true, isTemplate: false, privileges: [byDefault("CONNECT"), byDefault("TEMPORARY")], ownerLacks: [], ownedByAdmin: false };
}

/** Whether the admin can take on this role's rights: its own, and those of every role that it made. */
export function mayActAs(plan: TierPlan, role: string): boolean {
  return role === plan.tier.admin || plan.compartments.some(({ roleSpecs }) => roleSpecs.some(({ name }) => name === role));
}

/**
 * Gives an object to its rightful owner. Postgres asks that one session holds the rights of the old owner and may act as the new one; the
 * admin holds neither by itself, so it takes both for the length of the transaction.
 */
export function ownerSql(plan: TierPlan, from: string, to: string, alter: string): Statement[] {
  const { tier, compartments } = plan;
  const borrowed = [...new Set([from, to])].filter((role) => role !== tier.admin);
  return [
    ...borrowed.map((role) => ({ sql: borrowRights(tier, role) })),
    { sql: alter },
    // Of every owner of the plan the admin keeps the right to SET ROLE.
    ...borrowed.map((role) => ({ sql: returnRights(tier, role, role === to || compartments.some(({ roles }) => roles.owner === role)) })),
  ];
}

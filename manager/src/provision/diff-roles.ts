import type { CompartmentPlan, RoleSpec, TierPlan } from "../plan/plan";
import { quoteIdentifier, quoteLiteral } from "../postgres/identifier";
import type { Change, ProvisionRule, Statement } from "./change";
import type { ObservedCluster, ObservedMembership, ObservedRole } from "./observed";

/** NOLOGIN role behind `bulkhead.statements`: the only one of Bulkhead's that may read everybody's statistics. */
export const MONITOR_ROLE = "bulkhead_monitor";

/** Roles, memberships and settings: what all databases share. Pure. */
export function diffRoles(plan: TierPlan, compartment: CompartmentPlan, cluster: ObservedCluster): Change[] {
  return compartment.roleSpecs.flatMap((spec) => diffRole(plan.tier.admin, compartment, spec, cluster)).concat(diffForeignMembers(plan.tier.admin, compartment, cluster));
}

/** The role that reads statistics for everybody; once per tier. */
export function diffMonitorRole(plan: TierPlan, cluster: ObservedCluster): Change[] {
  const monitor = quoteIdentifier(MONITOR_ROLE);
  const change = (rule: ProvisionRule, finding: string, ...sql: string[]): Change => ({ rule, service: "tier", database: null, finding, statements: sql.map((text) => ({ sql: text })) });
  const changes: Change[] = [];
  const exists = cluster.roles.some(({ name }) => name === MONITOR_ROLE);
  if (!exists) changes.push(change("role-exists", `role ${MONITOR_ROLE} does not exist`, ...withSelfGrant(`CREATE ROLE ${monitor} NOLOGIN`)));
  if (!cluster.memberships.some(({ role, member }) => role === "pg_monitor" && member === MONITOR_ROLE)) changes.push(change("role-membership", `${MONITOR_ROLE} is no member of pg_monitor`, `GRANT pg_monitor TO ${monitor}`));
  if (exists && !adminCanBecome(MONITOR_ROLE, plan.tier.admin, cluster)) changes.push(change("role-membership", `the admin cannot act as ${MONITOR_ROLE}`, adminGrant(MONITOR_ROLE, plan.tier.admin)));
  return changes;
}

function diffRole(admin: string, { service, roles }: CompartmentPlan, spec: RoleSpec, cluster: ObservedCluster): Change[] {
  const name = quoteIdentifier(spec.name);
  const change = (rule: ProvisionRule, finding: string, ...sql: string[]): Change => ({ rule, service, database: null, finding, statements: sql.map((text): Statement => ({ sql: text })) });
  const role = cluster.roles.find((candidate) => candidate.name === spec.name);
  const changes: Change[] = [];

  if (role === undefined) {
    const create = `CREATE ROLE ${name} ${spec.login ? "LOGIN" : "NOLOGIN"} CONNECTION LIMIT ${spec.connectionLimit}`;
    changes.push(change("role-exists", `role ${spec.name} does not exist`, ...(spec.name === roles.owner ? withSelfGrant(create) : [create])));
  } else {
    const wrong = wrongAttributes(role, spec);
    // Only a superuser may take SUPERUSER away.
    if (wrong.length > 0) changes.push({ ...change("role-attributes", `role ${spec.name} should be ${wrong.join(" ")}`, `ALTER ROLE ${name} ${wrong.join(" ")}`), ...(role.superuser ? { manual: true as const } : {}) });
    if (role.connectionLimit !== spec.connectionLimit) {
      changes.push(change("role-connection-limit", `role ${spec.name} has CONNECTION LIMIT ${role.connectionLimit}, not ${spec.connectionLimit}`, `ALTER ROLE ${name} CONNECTION LIMIT ${spec.connectionLimit}`));
    }
  }
  // The admin acts as the owner by SET ROLE; it inherits nothing, so it reads no data by accident.
  if (spec.name === roles.owner && role !== undefined && !adminCanBecome(spec.name, admin, cluster)) {
    changes.push(change("role-membership", `the admin cannot act as ${spec.name}`, adminGrant(spec.name, admin)));
  }
  return [...changes, ...diffMemberships(admin, service, spec, cluster), ...diffSettings(service, spec, cluster)];
}

/**
 * Creates a role that its creator may SET ROLE to (PostgreSQL 16 and later). A GRANT after it would do the same, but takes as long as ten of
 * these on a tier of some hundred roles, since it makes Postgres look up all memberships of the admin again.
 */
function withSelfGrant(create: string): string[] {
  return ["SET createrole_self_grant = 'set'", create, "RESET createrole_self_grant"];
}

/** Lets the admin act as a role by SET ROLE. */
function adminGrant(role: string, admin: string): string {
  return `GRANT ${quoteIdentifier(role)} TO ${quoteIdentifier(admin)} WITH INHERIT FALSE, SET TRUE`;
}

/** Whether other changes fail before this one is made: they name the role, or act as it. */
export function isNeededByAll({ rule, statements }: Change, admin: string): boolean {
  return rule === "role-exists" || (rule === "role-membership" && statements.some(({ sql }) => sql.endsWith(` TO ${quoteIdentifier(admin)} WITH INHERIT FALSE, SET TRUE`)));
}

function wrongAttributes(role: ObservedRole, spec: RoleSpec): string[] {
  const wrong: string[] = [];
  if (role.login !== spec.login) wrong.push(spec.login ? "LOGIN" : "NOLOGIN");
  if (role.superuser) wrong.push("NOSUPERUSER");
  if (role.createdb) wrong.push("NOCREATEDB");
  if (role.createrole) wrong.push("NOCREATEROLE");
  if (role.replication) wrong.push("NOREPLICATION");
  if (role.bypassrls) wrong.push("NOBYPASSRLS");
  if (role.validUntil !== null && role.validUntil !== "infinity") wrong.push("VALID UNTIL 'infinity'");
  return wrong;
}

function adminCanBecome(role: string, admin: string, { memberships }: ObservedCluster): boolean {
  return memberships.some((membership) => membership.role === role && membership.member === admin && membership.set);
}

/** What a role is a member of: missing memberships, ones with wrong options, and ones that the plan does not know. */
function diffMemberships(admin: string, service: string, spec: RoleSpec, { memberships }: ObservedCluster): Change[] {
  const actual = memberships.filter(({ member }) => member === spec.name);
  const change = (finding: string, sql: string): Change => ({ rule: "role-membership", service, database: null, finding, statements: [{ sql }] });
  const unplanned = actual.filter(({ role }) => !spec.memberOf.some((planned) => planned.role === role)).map((membership) => revokeMembership(admin, service, membership));
  const planned = spec.memberOf.flatMap(({ role, inherit, set }) => {
    const grant = `GRANT ${quoteIdentifier(role)} TO ${quoteIdentifier(spec.name)} WITH ADMIN FALSE, INHERIT ${sqlBoolean(inherit)}, SET ${sqlBoolean(set)}`;
    const rows = actual.filter((membership) => membership.role === role);
    if (rows.length === 0) return [change(`${spec.name} is no member of ${role}`, grant)];
    // One row a grantor; another grantor's row may give options that ours does not.
    const foreign = rows.filter(({ grantor }) => grantor !== admin).map((membership) => revokeMembership(admin, service, membership));
    const own = rows.find(({ grantor }) => grantor === admin);
    if (own !== undefined && !own.admin && own.inherit === inherit && own.set === set) return foreign;
    return [...foreign, change(`${spec.name} is a member of ${role} with other options than INHERIT ${sqlBoolean(inherit)}, SET ${sqlBoolean(set)}`, grant)];
  });
  return [...unplanned, ...planned];
}

/** Roles from outside the plan that were made members of the compartment's. The admin's own memberships are how it administers. */
function diffForeignMembers(admin: string, { service, roleSpecs }: CompartmentPlan, { memberships }: ObservedCluster): Change[] {
  const names = new Set(roleSpecs.map(({ name }) => name));
  return memberships.filter(({ role, member }) => names.has(role) && !names.has(member) && member !== admin).map((membership) => revokeMembership(admin, service, membership));
}

function revokeMembership(admin: string, service: string, { role, member, grantor, revocable }: ObservedMembership): Change {
  const grantedBy = grantor === admin ? "" : ` GRANTED BY ${quoteIdentifier(grantor)}`;
  return {
    rule: "role-membership",
    service,
    database: null,
    finding: `${member} is a member of ${role}`,
    statements: [{ sql: `REVOKE ${quoteIdentifier(role)} FROM ${quoteIdentifier(member)}${grantedBy} CASCADE` }],
    // A grant is taken back in its grantor's name, which takes the grantor's rights.
    ...(revocable ? {} : { manual: true as const }),
  };
}

function diffSettings(service: string, spec: RoleSpec, { settings }: ObservedCluster): Change[] {
  const name = quoteIdentifier(spec.name);
  const own = settings.filter(({ role }) => role === spec.name);
  const change = (finding: string, sql: string): Change => ({ rule: "role-settings", service, database: null, finding, statements: [{ sql }] });
  const extra = own.flatMap((setting) => {
    if (setting.database === null && Object.hasOwn(spec.settings, setting.name)) return [];
    const where = setting.database === null ? "" : ` IN DATABASE ${quoteIdentifier(setting.database)}`;
    return [change(`role ${spec.name} sets ${setting.name}${where === "" ? "" : ` in ${setting.database}`}`, `ALTER ROLE ${name}${where} RESET ${quoteIdentifier(setting.name)}`)];
  });
  const wrong = Object.entries(spec.settings).flatMap(([setting, value]) => {
    const actual = own.find((candidate) => candidate.database === null && candidate.name === setting);
    if (actual?.value === value) return [];
    return [change(`role ${spec.name} has ${setting} ${actual === undefined ? "unset" : `= ${actual.value}`}, not ${value}`, `ALTER ROLE ${name} SET ${quoteIdentifier(setting)} = ${quoteLiteral(value)}`)];
  });
  return [...extra, ...wrong];
}

function sqlBoolean(value: boolean): string {
  return value ? "TRUE" : "FALSE";
}

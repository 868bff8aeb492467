import type { CompartmentPlan, Membership, RoleSpec, TierFacts, TierPlan } from "../plan/plan";
import { hasMembershipOptions } from "../plan/postgres-major";
import { quoteIdentifier, quoteLiteral } from "../postgres/identifier";
import type { Change, ProvisionRule, Statement } from "./change";
import { actAs, adminCanBecome, administrators, createActableRole, grantMembership, letsAdminAct, sqlBoolean } from "./membership-sql";
import type { ObservedCluster, ObservedMembership, ObservedRole } from "./observed";

/** NOLOGIN role behind `bulkhead.statements`: the only one of Bulkhead's that may read everybody's statistics. */
export const MONITOR_ROLE = "bulkhead_monitor";

/** Roles, memberships and settings: what all databases share. Pure. */
export function diffRoles(plan: TierPlan, compartment: CompartmentPlan, cluster: ObservedCluster): Change[] {
  return compartment.roleSpecs.flatMap((spec) => diffRole(plan.tier, compartment, spec, cluster)).concat(diffForeignMembers(plan.tier, compartment, cluster));
}

/** The role that reads statistics for everybody; once per tier. */
export function diffMonitorRole(plan: TierPlan, cluster: ObservedCluster): Change[] {
  const monitor = quoteIdentifier(MONITOR_ROLE);
  const change = (rule: ProvisionRule, finding: string, ...sql: string[]): Change => ({ rule, service: "tier", database: null, finding, statements: sql.map((text) => ({ sql: text })) });
  const changes: Change[] = [];
  const exists = cluster.roles.some(({ name }) => name === MONITOR_ROLE);
  if (!exists) changes.push(change("role-exists", `role ${MONITOR_ROLE} does not exist`, ...createActableRole(plan.tier, MONITOR_ROLE, `CREATE ROLE ${monitor} NOLOGIN`)));
  if (!cluster.memberships.some(({ role, member }) => role === "pg_monitor" && member === MONITOR_ROLE)) changes.push(change("role-membership", `${MONITOR_ROLE} is no member of pg_monitor`, `GRANT pg_monitor TO ${monitor}`));
  if (exists && !adminCanBecome(plan.tier, MONITOR_ROLE, cluster)) changes.push(change("role-membership", `the admin cannot act as ${MONITOR_ROLE}`, actAs(plan.tier, MONITOR_ROLE)));
  return changes;
}

function diffRole(tier: TierFacts, { service, roles }: CompartmentPlan, spec: RoleSpec, cluster: ObservedCluster): Change[] {
  const name = quoteIdentifier(spec.name);
  const change = (rule: ProvisionRule, finding: string, ...sql: string[]): Change => ({ rule, service, database: null, finding, statements: sql.map((text): Statement => ({ sql: text })) });
  const role = cluster.roles.find((candidate) => candidate.name === spec.name);
  const changes: Change[] = [];

  if (role === undefined) {
    const create = `CREATE ROLE ${name} ${spec.login ? "LOGIN" : "NOLOGIN"}${spec.inherit === false ? " NOINHERIT" : ""} CONNECTION LIMIT ${spec.connectionLimit}`;
    changes.push(change("role-exists", `role ${spec.name} does not exist`, ...(spec.name === roles.owner ? createActableRole(tier, spec.name, create) : [create])));
  } else {
    const wrong = wrongAttributes(role, spec);
    // Only a superuser may take SUPERUSER away.
    if (wrong.length > 0) changes.push({ ...change("role-attributes", `role ${spec.name} should be ${wrong.join(" ")}`, `ALTER ROLE ${name} ${wrong.join(" ")}`), ...(role.superuser ? { manual: true as const } : {}) });
    if (role.connectionLimit !== spec.connectionLimit) {
      changes.push(change("role-connection-limit", `role ${spec.name} has CONNECTION LIMIT ${role.connectionLimit}, not ${spec.connectionLimit}`, `ALTER ROLE ${name} CONNECTION LIMIT ${spec.connectionLimit}`));
    }
  }
  // The admin acts as the owner by SET ROLE; it inherits nothing, so it reads no data by accident.
  if (spec.name === roles.owner && role !== undefined && !adminCanBecome(tier, spec.name, cluster)) {
    changes.push(change("role-membership", `the admin cannot act as ${spec.name}`, actAs(tier, spec.name)));
  }
  return [...changes, ...diffMemberships(tier, service, spec, cluster), ...diffSettings(service, spec, cluster)];
}

/** Whether other changes fail before this one is made: they name the role, or act as it. */
export function isNeededByAll({ rule, statements }: Change, tier: TierFacts): boolean {
  return rule === "role-exists" || (rule === "role-membership" && statements.some(({ sql }) => letsAdminAct(tier, sql)));
}

/** What ALTER ROLE has to say for the role's attributes to be those of the plan. */
export function wrongAttributes(role: ObservedRole, spec: Pick<RoleSpec, "login" | "inherit">): string[] {
  const wrong: string[] = [];
  if (role.login !== spec.login) wrong.push(spec.login ? "LOGIN" : "NOLOGIN");
  if (spec.inherit !== undefined && role.inherit !== spec.inherit) wrong.push(spec.inherit ? "INHERIT" : "NOINHERIT");
  if (role.superuser) wrong.push("NOSUPERUSER");
  if (role.createdb) wrong.push("NOCREATEDB");
  if (role.createrole) wrong.push("NOCREATEROLE");
  if (role.replication) wrong.push("NOREPLICATION");
  if (role.bypassrls) wrong.push("NOBYPASSRLS");
  if (role.validUntil !== null && role.validUntil !== "infinity") wrong.push("VALID UNTIL 'infinity'");
  return wrong;
}

/** What a role is a member of: missing memberships, ones with wrong options, and ones that the plan does not know. */
function diffMemberships(tier: TierFacts, service: string, spec: RoleSpec, { memberships }: ObservedCluster): Change[] {
  const actual = memberships.filter(({ member }) => member === spec.name);
  const change = (finding: string, sql: string): Change => ({ rule: "role-membership", service, database: null, finding, statements: [{ sql }] });
  const unplanned = actual.filter(({ role }) => !spec.memberOf.some((planned) => planned.role === role)).map((membership) => revokeMembership(tier, service, membership));
  const planned = spec.memberOf.flatMap((wanted) => {
    const rows = actual.filter(({ role }) => role === wanted.role);
    if (rows.length === 0) return [change(`${spec.name} is no member of ${wanted.role}`, grantMembership(tier, spec.name, wanted))];
    return hasMembershipOptions(tier) ? diffOptions(rows, wanted) : diffAdminOption(rows, wanted);
  });
  return [...unplanned, ...planned];

  function diffOptions(rows: readonly ObservedMembership[], wanted: Membership): Change[] {
    const { role, inherit, set } = wanted;
    // One row a grantor; another grantor's row may give options that ours does not.
    const foreign = rows.filter(({ grantor }) => grantor !== tier.admin).map((membership) => revokeMembership(tier, service, membership));
    const own = rows.find(({ grantor }) => grantor === tier.admin);
    if (own !== undefined && !own.admin && own.inherit === inherit && own.set === set) return foreign;
    return [...foreign, change(`${spec.name} is a member of ${role} with other options than INHERIT ${sqlBoolean(inherit)}, SET ${sqlBoolean(set)}`, grantMembership(tier, spec.name, wanted))];
  }

  /** Before version 16: one row, whoever granted it, and only one option. */
  function diffAdminOption(rows: readonly ObservedMembership[], { role }: Membership): Change[] {
    return rows.some((row) => row.admin) ? [change(`${spec.name} is a member of ${role} with other options than planned: ADMIN OPTION`, `REVOKE ADMIN OPTION FOR ${quoteIdentifier(role)} FROM ${quoteIdentifier(spec.name)}`)] : [];
  }
}

/** Roles from outside the plan that were made members of the compartment's. The admin's own memberships, and the operator's, are how it administers. */
function diffForeignMembers(tier: TierFacts, { service, roleSpecs }: CompartmentPlan, { memberships }: ObservedCluster): Change[] {
  const names = new Set(roleSpecs.map(({ name }) => name));
  const own = administrators(tier);
  return memberships.filter(({ role, member }) => names.has(role) && !names.has(member) && !own.includes(member)).map((membership) => revokeMembership(tier, service, membership));
}

export function revokeMembership(tier: TierFacts, service: string, { role, member, grantor, revocable }: ObservedMembership): Change {
  // Before version 16 whoever may take it back may do so whoever gave it, and only a superuser may name another grantor.
  const grantedBy = grantor === tier.admin || !hasMembershipOptions(tier) ? "" : ` GRANTED BY ${quoteIdentifier(grantor)}`;
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

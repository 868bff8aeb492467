import { redact } from "../errors/redact";
import type { CompartmentPlan, TierPlan } from "../plan/plan";
import { hasMembershipOptions } from "../plan/postgres-major";
import { quoteIdentifier, quoteLiteral } from "../postgres/identifier";
import { describeDifference, diffPrivileges, privilegeSql } from "../provision/diff-privileges";
import { OPERATOR_ROLE } from "../provision/membership-sql";
import type { FoundRole, FoundServer } from "./observed";
import type { AdoptionStep, AdoptionTopic } from "./plan";
import { revokeMembershipSql } from "./plan-server";

/** A service's roles and database, as all databases share them: pure. What the admin may do by itself, the next `up` does. */
export function planService(plan: TierPlan, compartment: CompartmentPlan, found: FoundServer): AdoptionStep[] {
  const step = (topic: AdoptionTopic, what: string, ...statements: string[]): AdoptionStep => ({ service: compartment.service, database: null, topic, what, statements: statements.map((sql) => ({ sql })) });
  return [...planRoles(plan, compartment, found, step), ...planMemberships(plan, compartment, found, step), ...planSettings(compartment, found, step), ...planDatabase(plan, compartment, found, step)];
}

type MakeStep = (topic: AdoptionTopic, what: string, ...statements: string[]) => AdoptionStep;

function planRoles(plan: TierPlan, { roles, roleSpecs }: CompartmentPlan, found: FoundServer, step: MakeStep): AdoptionStep[] {
  return roleSpecs.flatMap(({ name }) => {
    const role = found.roles.find((candidate) => candidate.name === name);
    const steps: AdoptionStep[] = [];
    const attributes = role === undefined ? [] : tooPowerful(role);
    const isThere = role !== undefined;
    if (attributes.length > 0) steps.push(step("roles", `${name} is ${attributes.join(", ")}; it is that no more`, `ALTER ROLE ${quoteIdentifier(name)} ${attributes.map((attribute) => `NO${attribute}`).join(" ")}`));
    const isGroup = name === roles.owner || name === roles.app;
    if (!isThere && isGroup) steps.push(step("roles", `${name} is made${name === roles.owner ? ", which shall own the database and all that is in it" : ""}`, `CREATE ROLE ${quoteIdentifier(name)} NOLOGIN`));
    // From version 16 on the admin may change only roles that it administers; those that it makes itself it does.
    const administers = found.memberships.some(({ role: of, member, admin }) => of === name && member === plan.tier.admin && admin);
    if ((isThere || isGroup) && hasMembershipOptions(plan.tier) && (!administers || !isThere)) {
      steps.push(step("roles", `${plan.tier.admin} administers ${name}`, `GRANT ${quoteIdentifier(name)} TO ${quoteIdentifier(plan.tier.admin)} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`));
    }
    return steps;
  });
}

/** Attributes that only a role who has them itself may take away, which the admin does not. */
function tooPowerful({ superuser, createdb, createrole, replication, bypassrls }: FoundRole): string[] {
  return Object.entries({ SUPERUSER: superuser, CREATEDB: createdb, CREATEROLE: createrole, REPLICATION: replication, BYPASSRLS: bypassrls }).flatMap(([attribute, has]) => (has ? [attribute] : []));
}

/** Whoever granted it: a grant of the superuser is not the admin's to take back. Those that are planned, the next `up` makes again, as its own. */
function planMemberships(plan: TierPlan, { roleSpecs }: CompartmentPlan, { memberships }: FoundServer, step: MakeStep): AdoptionStep[] {
  const names = new Set(roleSpecs.map(({ name }) => name));
  const administrators = [plan.tier.admin, OPERATOR_ROLE];
  return memberships
    .filter(({ role, member, grantor }) => (names.has(role) || names.has(member)) && !administrators.includes(member) && !administrators.includes(grantor))
    .map((membership) => step("roles", `${membership.member} is a member of ${membership.role}; it is no more`, revokeMembershipSql(plan, membership)));
}

/** Settings that only a superuser may set, only a superuser may take back. */
function planSettings({ roleSpecs, database }: CompartmentPlan, { settings }: FoundServer, step: MakeStep): AdoptionStep[] {
  return settings.flatMap((setting) => {
    const { role, name, value } = setting;
    const spec = roleSpecs.find((candidate) => candidate.name === role);
    const isOfDatabase = role === null && setting.database === database.name;
    if (spec === undefined && !isOfDatabase) return [];
    if (spec !== undefined && setting.database === null && Object.hasOwn(spec.settings, name)) return [];
    const where = setting.database === null ? "" : ` IN DATABASE ${quoteIdentifier(setting.database)}`;
    const target = spec === undefined ? `DATABASE ${quoteIdentifier(database.name)}` : `ROLE ${quoteIdentifier(spec.name)}${where}`;
    const what = spec === undefined ? `database ${database.name}` : `role ${spec.name}${setting.database === null ? "" : ` in ${setting.database}`}`;
    return [step("settings", `${what} sets ${name} = ${quoteLiteral(redact(value))}; it is reset, and the service's roles have settings of their own`, `ALTER ${target} RESET ${quoteIdentifier(name)}`)];
  });
}

function planDatabase(plan: TierPlan, { database, roles }: CompartmentPlan, { databases }: FoundServer, step: MakeStep): AdoptionStep[] {
  const found = databases.find(({ name }) => name === database.name)!;
  const target = `DATABASE ${quoteIdentifier(database.name)}`;
  const wanted = { [roles.app]: ["CONNECT"], [roles.migrator]: ["CONNECT"], [roles.readonly]: ["CONNECT"], [plan.tier.admin]: ["CONNECT", "CREATE"] };
  const { extra } = diffPrivileges(found.privileges.filter(({ grantee }) => grantee !== roles.owner), wanted);
  return [
    ...(found.owner === roles.owner ? [] : [step("ownership", `database ${database.name} belongs to ${found.owner}; ${roles.owner} gets it`, `ALTER ${target} OWNER TO ${quoteIdentifier(roles.owner)}`)]),
    ...(extra.length === 0 ? [] : [step("privileges", `on database ${database.name} ${describeDifference({ extra, missing: [] })}; that is revoked`, ...privilegeSql({ extra, missing: [] }, wanted, target))]),
    ...(found.isTemplate ? [step("ownership", `database ${database.name} is a template, which anybody with CREATEDB may copy; it is none any more`, `ALTER ${target} IS_TEMPLATE false`)] : []),
  ];
}

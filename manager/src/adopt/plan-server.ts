import { redact } from "../errors/redact";
import type { TierPlan } from "../plan/plan";
import { hasMembershipOptions } from "../plan/postgres-major";
import { quoteIdentifier, quoteLiteral } from "../postgres/identifier";
import { describeDifference, privilegeSql } from "../provision/diff-privileges";
import type { FoundMembership, FoundRole, FoundServer } from "./observed";
import type { AdoptionStep, AdoptionTopic, SuperuserStatements } from "./plan";

/** What the steps about the server as a whole are made from. */
export interface ServerAdoption {
  readonly plan: TierPlan;
  readonly found: FoundServer;
  readonly statements: SuperuserStatements;
  /** Services that are adopted. */
  readonly adopting: ReadonlySet<string>;
  /** The template is there with all that is in it. */
  readonly templateIsWhole: boolean;
}

/** The server as a whole: pure. */
export function planServer(server: ServerAdoption): AdoptionStep[] {
  return [...planSystemSettings(server), ...planAdmin(server), ...planTemplate(server), ...planOtherDatabases(server), ...planSuperusers(server), ...planSuperuserPassword(server)];
}

function step(topic: AdoptionTopic, what: string, statements: readonly string[], database: string | null = null): AdoptionStep {
  return { service: "tier", database, topic, what, statements: statements.map((sql) => ({ sql })) };
}

function planSystemSettings({ found }: ServerAdoption): AdoptionStep[] {
  return found.systemSettings.map(({ name, value }) => ({
    ...step("settings", `ALTER SYSTEM has set ${name} = ${quoteLiteral(redact(value))}, which would override the stack's own configuration; it is reset`, [`ALTER SYSTEM RESET ${quoteIdentifier(name)}`]),
    alone: true,
  }));
}

function planAdmin({ plan: { tier }, found, statements }: ServerAdoption): AdoptionStep[] {
  const role = found.roles.find(({ name }) => name === tier.admin);
  const isMade = role !== undefined && role.login && role.createrole && role.createdb && !role.superuser && !role.replication && !role.bypassrls;
  const administers = (granted: string): boolean => found.memberships.some(({ role: of, member, admin }) => of === granted && member === tier.admin && admin);
  const rights = found.databases.find(({ name }) => name === "postgres")?.privileges.filter(({ grantee }) => grantee === tier.admin).map(({ privilege }) => privilege) ?? [];
  if (isMade && administers("pg_monitor") && administers("pg_signal_backend") && rights.includes("CONNECT") && rights.includes("CREATE")) return [];
  return [step("roles", `${tier.admin} is made: it may make roles and databases, and is no superuser; its password is made by the next up`, statements.admin)];
}

function planTemplate({ plan: { tier }, found, statements, templateIsWhole }: ServerAdoption): AdoptionStep[] {
  if (templateIsWhole || tier.template === "template0") return [];
  const exists = found.databases.some(({ name }) => name === tier.template);
  return [
    ...(exists ? [] : [{ ...step("server", `database ${tier.template} is made, from which those of new services are cloned`, [statements.createTemplate]), alone: true as const }]),
    step("server", `${tier.template} gets pg_stat_statements`, statements.template, tier.template),
  ];
}

/** Databases that no service has: closed to PUBLIC and to services' roles, and theirs no longer. What is in them stays untouched. */
function planOtherDatabases({ plan, found, adopting }: ServerAdoption): AdoptionStep[] {
  const planned = new Set(plan.compartments.map(({ database }) => database.name));
  const roles = rolesOf(plan, adopting);
  const { superuser } = found;
  const isMade = (name: string): boolean => found.databases.some((database) => database.name === name);
  // The template is born open; it is closed in the same run.
  const born = isMade(plan.tier.template) || plan.tier.template === "template0" ? [] : [{ name: plan.tier.template, owner: superuser, privileges: ["CONNECT", "TEMPORARY"].map((privilege) => ({ grantee: "PUBLIC", grantor: superuser, privilege, grantable: false })) }];
  return [...found.databases, ...born]
    .filter(({ name }) => !planned.has(name))
    .flatMap(({ name, owner, privileges }) => {
      const target = `DATABASE ${quoteIdentifier(name)}`;
      const difference = { extra: privileges.filter(({ grantee }) => grantee === "PUBLIC" || roles.has(grantee)), missing: [] };
      return [
        ...(roles.has(owner) ? [step("ownership", `database ${name} is in no service's compartment and belongs to ${owner}; ${superuser} gets it`, [`ALTER ${target} OWNER TO ${quoteIdentifier(superuser)}`])] : []),
        ...(difference.extra.length > 0 ? [step("privileges", `on database ${name}, which no service has, ${describeDifference(difference)}; that is revoked`, privilegeSql(difference, {}, target))] : []),
      ];
    });
}

/** No other superuser is left, and nobody can become one: over the network there is none. */
function planSuperusers({ plan, found }: ServerAdoption): AdoptionStep[] {
  const ofServices = new Set(plan.compartments.flatMap(({ roleSpecs }) => roleSpecs.map(({ name }) => name)));
  const others = found.roles.filter(({ name, superuser }) => superuser && name !== found.superuser && name !== plan.tier.admin && !ofServices.has(name));
  const powerful = new Set([plan.tier.admin, ...found.roles.filter(({ superuser }) => superuser).map(({ name }) => name)]);
  const memberships = found.memberships.filter(({ role, member, grantor }) => powerful.has(role) && !ofServices.has(member) && member !== plan.tier.admin && grantor !== plan.tier.admin);
  return [...others.flatMap(demote), ...memberships.map((membership) => step("roles", `${membership.member} is a member of ${membership.role}, and could act as it; it is no more`, [revokeMembershipSql(plan, membership)]))];
}

function demote({ name, bootstrap, login, hasPassword }: FoundRole): AdoptionStep[] {
  const role = quoteIdentifier(name);
  if (!bootstrap) return [step("roles", `${name} is a superuser; it is one no more`, [`ALTER ROLE ${role} NOSUPERUSER`])];
  // Postgres lets nobody take SUPERUSER from the role that initdb made.
  return login || hasPassword ? [step("roles", `${name} is the superuser that the server began with, and cannot be made another; it can log in no more`, [`ALTER ROLE ${role} NOLOGIN PASSWORD NULL`])] : [];
}

function planSuperuserPassword({ found }: ServerAdoption): AdoptionStep[] {
  if (found.roles.find(({ name }) => name === found.superuser)?.hasPassword !== true) return [];
  return [step("passwords", `the password of the superuser ${found.superuser} ceases: nobody logs in as a superuser over the network`, [`ALTER ROLE ${quoteIdentifier(found.superuser)} PASSWORD NULL`])];
}

/** All roles of the services that are adopted. */
export function rolesOf({ compartments }: TierPlan, services: ReadonlySet<string>): ReadonlySet<string> {
  return new Set(compartments.filter(({ service }) => services.has(service)).flatMap(({ roleSpecs }) => roleSpecs.map(({ name }) => name)));
}

export function revokeMembershipSql({ tier }: TierPlan, { role, member, grantor }: FoundMembership): string {
  const grantedBy = hasMembershipOptions(tier) ? ` GRANTED BY ${quoteIdentifier(grantor)}` : "";
  return `REVOKE ${quoteIdentifier(role)} FROM ${quoteIdentifier(member)}${grantedBy} CASCADE`;
}

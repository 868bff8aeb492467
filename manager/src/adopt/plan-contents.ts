import type { CompartmentPlan, TierPlan } from "../plan/plan";
import { quoteIdentifier, quoteLiteral } from "../postgres/identifier";
import { diffContents, MIGRATIONS_SCHEMA } from "../provision/diff-contents";
import { MONITOR_ROLE } from "../provision/diff-roles";
import type { ObservedDatabaseContents, Privilege } from "../provision/observed";
import type { FoundContents, FoundObject, FoundServer } from "./observed";
import type { AdoptionProblem, AdoptionStep, AdoptionTopic, SuperuserStatements } from "./plan";
import { rolesOf } from "./plan-server";
import { isStatementsExtensionMade, STATEMENTS_EXTENSION } from "./statements-extension";

/** Schema that extensions are in; no service's. */
const EXTENSIONS_SCHEMA = "extensions";
/** Schema of `bulkhead.statements`; made by provisioning. */
const BULKHEAD_SCHEMA = "bulkhead";
/** How many names a sentence holds. */
const NAMES_SHOWN = 8;

/** What one database's steps are made from. */
export interface ContentsAdoption {
  readonly plan: TierPlan;
  readonly compartment: CompartmentPlan;
  readonly found: FoundServer;
  readonly contents: FoundContents;
  readonly statements: SuperuserStatements;
  /** Services that are adopted. */
  readonly adopting: ReadonlySet<string>;
}

/** What is inside one service's database: pure. Touches catalogs only; no statement reads or writes a row of anybody's. */
export function planContents(adoption: ContentsAdoption): AdoptionStep[] {
  return [...planExtension(adoption), ...planOwners(adoption), ...planLargeObjects(adoption), ...planExtensionOwners(adoption), ...planEventTriggers(adoption), ...planRevokes(adoption)];
}

function stepIn({ compartment: { service, database } }: ContentsAdoption, topic: AdoptionTopic, what: string, statements: readonly string[]): AdoptionStep {
  return { service, database: database.name, topic, what, statements: statements.map((sql) => ({ sql })) };
}

function planExtension(adoption: ContentsAdoption): AdoptionStep[] {
  const { contents, plan, statements } = adoption;
  if (isStatementsExtensionMade(plan, contents)) return [];
  const extension = contents.extensions.find(({ name }) => name === STATEMENTS_EXTENSION);
  const moved = extension !== undefined && extension.schema !== EXTENSIONS_SCHEMA;
  const old = extension !== undefined && extension.newest !== null && extension.newest !== extension.version;
  return [
    stepIn(adoption, "extension", `pg_stat_statements ${extension === undefined ? "is made in" : moved ? `moves from schema ${extension.schema} to` : "stays in"} schema extensions, where a service sees its own statements only`, [
      ...(moved ? [`CREATE SCHEMA IF NOT EXISTS ${EXTENSIONS_SCHEMA}`, `ALTER EXTENSION ${STATEMENTS_EXTENSION} SET SCHEMA ${EXTENSIONS_SCHEMA}`] : []),
      ...(old ? [`ALTER EXTENSION ${STATEMENTS_EXTENSION} UPDATE`] : []),
      ...statements.template,
    ]),
  ];
}

/** Whom an object shall belong to; undefined where it is right as it is. */
function rightOwner({ compartment: { roles }, found, plan }: ContentsAdoption, { kind, identity, schema, owner, ofSuperuser }: FoundObject): string | undefined {
  if (kind === "SCHEMA" && identity === EXTENSIONS_SCHEMA) return owner === plan.tier.admin ? owner : found.superuser;
  // What provisioning has made there, or what is a problem.
  if (schema === BULKHEAD_SCHEMA || schema === EXTENSIONS_SCHEMA || (kind === "SCHEMA" && identity === BULKHEAD_SCHEMA)) return owner;
  if (kind === "SCHEMA" && owner === "pg_database_owner") return owner;
  return ofSuperuser ? found.superuser : roles.owner;
}

/** One step for everything of a kind that goes from one owner to another. */
function planOwners(adoption: ContentsAdoption): AdoptionStep[] {
  const groups = new Map<string, { kind: string; from: string; to: string; identities: string[] }>();
  for (const object of adoption.contents.objects) {
    const to = rightOwner(adoption, object);
    if (to === undefined || to === object.owner) continue;
    const key = JSON.stringify([object.kind, object.owner, to]);
    const group = groups.get(key) ?? { kind: object.kind, from: object.owner, to, identities: [] };
    group.identities.push(object.identity);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ kind, from, to, identities }) =>
    stepIn(adoption, "ownership", `${identities.length} of kind ${kind} of ${from}: ${listed(identities)}; ${to} gets ${identities.length === 1 ? "it" : "them"}`, identities.map((identity) => `ALTER ${kind} ${identity} OWNER TO ${quoteIdentifier(to)}`)),
  );
}

function listed(names: readonly string[]): string {
  const rest = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/**
 * To the group of the running service's logins: only its owner may remove a large object, and an application that has some does. There may be millions, so one
 * statement does them all.
 */
function planLargeObjects(adoption: ContentsAdoption): AdoptionStep[] {
  const { app, users } = adoption.compartment.roles;
  const right = [app, ...users];
  return adoption.contents.largeObjects
    .filter(({ owner }) => !right.includes(owner))
    .map(({ owner, count }) =>
      stepIn(adoption, "ownership", `${count} large objects of ${owner}; ${app} gets them`, [
        `DO $adopt$ DECLARE large oid; BEGIN FOR large IN SELECT m.oid FROM pg_catalog.pg_largeobject_metadata m WHERE m.lomowner = ${quoteLiteral(quoteIdentifier(owner))}::regrole LOOP EXECUTE format('ALTER LARGE OBJECT %s OWNER TO %I', large, ${quoteLiteral(app)}); END LOOP; END $adopt$`,
      ]),
    );
}

/**
 * Whoever owns an extension may drop it, and with it every column of a type that it brings. There is no ALTER EXTENSION … OWNER: REASSIGN OWNED is the one
 * way, and takes along databases and tablespaces of that role, which are given back.
 */
function planExtensionOwners(adoption: ContentsAdoption): AdoptionStep[] {
  const { contents, found, plan, adopting } = adoption;
  const owners = [...new Set(contents.extensions.map(({ owner }) => owner))].filter((owner) => owner !== found.superuser && owner !== plan.tier.admin && !found.roles.some(({ name, bootstrap }) => name === owner && bootstrap));
  return owners.map((owner) => {
    const names = contents.extensions.filter((extension) => extension.owner === owner).map(({ name }) => name);
    // Those of services that are adopted have their right owner by now; and what no service has, a service's role loses.
    const keeps = (database: string): boolean => {
      const service = plan.compartments.find((compartment) => compartment.database.name === database)?.service;
      return service === undefined ? !rolesOf(plan, adopting).has(owner) : !adopting.has(service);
    };
    const databases = found.databases.filter(({ name, owner: of }) => of === owner && keeps(name));
    const tablespaces = found.tablespaces.filter((tablespace) => tablespace.owner === owner);
    const to = quoteIdentifier(owner);
    return stepIn(adoption, "ownership", `extension ${names.join(", ")} of ${owner}, who could drop it with all that depends on it; ${found.superuser} gets it`, [
      `REASSIGN OWNED BY ${to} TO ${quoteIdentifier(found.superuser)}`,
      ...databases.map(({ name }) => `ALTER DATABASE ${quoteIdentifier(name)} OWNER TO ${to}`),
      ...tablespaces.map(({ name }) => `ALTER TABLESPACE ${quoteIdentifier(name)} OWNER TO ${to}`),
    ]);
  });
}

/**
 * An event trigger's function runs with the rights of whoever changes the schema, the admin too; and it belongs to the service's owner now, so a migration
 * could change it into anything.
 */
function planEventTriggers(adoption: ContentsAdoption): AdoptionStep[] {
  return adoption.contents.eventTriggers.map((name) => stepIn(adoption, "settings", `event trigger ${name} would run with the admin's rights whenever it changes the schema; it is switched off`, [`ALTER EVENT TRIGGER ${name} DISABLE`]));
}

/** What provisioning would revoke once the owners are right: whose grant it was, a superuser can take it back. What is missing, the next `up` grants. */
function planRevokes(adoption: ContentsAdoption): AdoptionStep[] {
  const { plan, compartment, contents } = adoption;
  const changes = diffContents(plan, compartment, withRightOwners(adoption, contents.privileges));
  return changes.flatMap(({ finding, statements }) => {
    // What is yet to be made gets its privileges then.
    if (statements.some(({ sql }) => sql.startsWith("CREATE "))) return [];
    const revokes = statements.map(({ sql }) => sql).filter(revokesPrivilege);
    return revokes.length === 0 ? [] : [stepIn(adoption, "privileges", `${finding.split("; ").filter((part) => !part.includes(" lacks ")).join("; ")}; that is revoked`, revokes)];
  });
}

/** Memberships, which are revoked too, are named in quotes; privileges are in capitals. The default privileges of owners of the plan are the admin's to mend. */
function revokesPrivilege(sql: string): boolean {
  return /^REVOKE (?:GRANT OPTION FOR )?[A-Z, ]+(?: \(.*\))? ON /s.test(sql) || /^ALTER DEFAULT PRIVILEGES FOR ROLE .*?REVOKE [A-Z, ]+ ON /s.test(sql);
}

function withRightOwners({ compartment: { roles } }: ContentsAdoption, contents: ObservedDatabaseContents): ObservedDatabaseContents {
  const owned = <T extends { readonly owner: string; readonly privileges: readonly Privilege[] }>(thing: T, owner: string): T => ({ ...thing, owner, privileges: thing.privileges.map((entry) => (entry.grantor === thing.owner ? { ...entry, grantor: owner } : entry)) });
  return {
    ...contents,
    schemas: contents.schemas.map((schema) => (schema.owner === "pg_database_owner" ? schema : owned(schema, schema.name === BULKHEAD_SCHEMA ? MONITOR_ROLE : roles.owner))),
    objects: contents.objects.map((object) => owned(object, object.schema === BULKHEAD_SCHEMA ? MONITOR_ROLE : roles.owner)),
  };
}

/** Why a database cannot be adopted as it is. */
export function contentsProblems({ compartment: { service, database }, contents }: Pick<ContentsAdoption, "compartment" | "contents">): AdoptionProblem[] {
  const strangers = contents.objects.filter(({ schema }) => schema === EXTENSIONS_SCHEMA);
  const inOurs = contents.objects.filter(({ schema, owner, kind, identity }) => (schema === BULKHEAD_SCHEMA || (kind === "SCHEMA" && identity === BULKHEAD_SCHEMA)) && owner !== MONITOR_ROLE);
  return [
    ...(strangers.length > 0
      ? [{ service, problem: `in database ${database.name}, schema extensions holds what is of no extension: ${listed(strangers.map(({ identity }) => identity))}; no service can get at that schema`, hint: `move it where the service finds it: ALTER ${strangers[0]!.kind} ${strangers[0]!.identity} SET SCHEMA public` }]
      : []),
    ...(inOurs.length > 0 ? [{ service, problem: `database ${database.name} has a schema called bulkhead, which is the name of Bulkhead's own: ${listed(inOurs.map(({ identity }) => identity))}`, hint: "ALTER SCHEMA bulkhead RENAME TO another_name" }] : []),
    ...(contents.foreignHistory ? [{ service, problem: `database ${database.name} has a table ${MIGRATIONS_SCHEMA}.history, which is the name of Bulkhead's own`, hint: `ALTER TABLE ${MIGRATIONS_SCHEMA}.history RENAME TO another_name` }] : []),
  ];
}

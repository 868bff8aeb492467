import type { CompartmentPlan, TierPlan } from "../plan/plan";
import { quoteIdentifier } from "../postgres/identifier";
import type { Change, ProvisionRule, Statement } from "./change";
import { mayActAs, ownerSql } from "./diff-database";
import { diffExtensionGrants } from "./diff-extension-grants";
import { describeDifference, diffPrivileges, grants, groupByGrantee, ownPrivileges, privilegeSql, roleSql } from "./diff-privileges";
import type { Grants } from "./diff-privileges";
import { MONITOR_ROLE } from "./diff-roles";
import { actAs, actAsNoMore } from "./membership-sql";
import type { ObjectKind, ObservedDatabaseContents, ObservedDefaultPrivileges, ObservedObject, ObservedSchema, Privilege } from "./observed";
import { createStatementsView, OWN_STATEMENTS_SOURCE } from "./statements-view";

/** Schema of the migration history: the service may read it and never write it. */
export const MIGRATIONS_SCHEMA = "migrations";
/** Schema of `bulkhead.statements`. */
const BULKHEAD_SCHEMA = "bulkhead";

/** Everything inside one compartment's database. Pure. */
export function diffContents(plan: TierPlan, compartment: CompartmentPlan, contents: ObservedDatabaseContents): Change[] {
  const statementsView = diffStatementsView(compartment, contents);
  return [
    ...diffExtensions(compartment, contents),
    ...statementsView,
    ...diffExtensionGrants(plan, compartment, contents, statementsView.length === 0),
    ...diffSchemas(plan, compartment, contents),
    ...diffDefaultPrivileges(plan, compartment, contents),
    ...contents.objects.flatMap((object) => diffObject(plan, compartment, object)),
    ...diffColumnPrivileges(compartment, contents),
  ];
}

function changeIn({ service, database }: CompartmentPlan, rule: ProvisionRule, finding: string, statements: readonly Statement[]): Change {
  return { rule, service, database: database.name, finding, statements };
}

function diffExtensions(compartment: CompartmentPlan, { extensions }: ObservedDatabaseContents): Change[] {
  const missing = compartment.extensions.filter((extension) => !extensions.includes(extension));
  return missing.map((extension) =>
    changeIn(compartment, "extension", `extension ${extension} is missing`, [
      { sql: "CREATE SCHEMA IF NOT EXISTS extensions" },
      { sql: `CREATE EXTENSION ${quoteIdentifier(extension)} SCHEMA extensions` },
      { sql: "REVOKE ALL ON ALL TABLES IN SCHEMA extensions FROM PUBLIC" },
      { sql: "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA extensions FROM PUBLIC" },
    ]),
  );
}

function diffStatementsView(compartment: CompartmentPlan, { statementsFunction, objects }: ObservedDatabaseContents): Change[] {
  const view = objects.some(({ schema, identity }) => schema === BULKHEAD_SCHEMA && identity === "bulkhead.statements");
  if (statementsFunction === OWN_STATEMENTS_SOURCE && view) return [];
  const finding = statementsFunction === null || !view ? "bulkhead.statements is missing" : "bulkhead.own_statements() is not as Bulkhead made it";
  const { app, readonly, owner } = compartment.roles;
  const readers = [app, readonly, owner].map(quoteIdentifier).join(", ");
  return [
    changeIn(compartment, "own-statements", finding, [
      ...createStatementsView(),
      { sql: `GRANT USAGE ON SCHEMA bulkhead TO ${readers}`, as: MONITOR_ROLE },
      { sql: `GRANT SELECT ON TABLE bulkhead.statements TO ${readers}`, as: MONITOR_ROLE },
      { sql: `GRANT EXECUTE ON FUNCTION bulkhead.own_statements() TO ${readers}`, as: MONITOR_ROLE },
    ]),
  ];
}

/** What the compartment's roles may do in each kind of schema; the owner of the database may do everything in its own. */
function schemaGrants({ roles: { app, readonly, owner } }: CompartmentPlan, schema: string): Grants {
  return { [app]: ["USAGE"], [readonly]: ["USAGE"], ...(schema === BULKHEAD_SCHEMA ? { [owner]: ["USAGE"] } : {}) };
}

function diffSchemas(plan: TierPlan, compartment: CompartmentPlan, { schemas }: ObservedDatabaseContents): Change[] {
  const { owner } = compartment.roles;
  const missing = [MIGRATIONS_SCHEMA, "public"].filter((name) => !schemas.some((schema) => schema.name === name));
  const created = missing.map((name): ObservedSchema => ({ name, owner, privileges: [], ownerLacks: [] }));
  return [...created, ...schemas].flatMap((schema) => {
    const name = quoteIdentifier(schema.name);
    const changes: Change[] = [];
    if (created.includes(schema)) changes.push(changeIn(compartment, "schema-privileges", `schema ${schema.name} does not exist`, [{ sql: `CREATE SCHEMA ${name}`, as: owner }]));
    // The database's owner is what pg_database_owner stands for.
    const rightOwner = schema.name === BULKHEAD_SCHEMA ? MONITOR_ROLE : owner;
    if (schema.owner !== rightOwner && schema.owner !== "pg_database_owner") {
      changes.push(withOwner(plan, compartment, schema.owner, rightOwner, `schema ${schema.name}`, `ALTER SCHEMA ${name} OWNER TO ${quoteIdentifier(rightOwner)}`));
    }
    // bulkhead is made with its privileges at once; the change for it stands in diffStatementsView.
    const wanted = schemaGrants(compartment, schema.name);
    // With the owner changes the owner's own entry: it is no longer somebody else's privilege.
    const difference = diffPrivileges(schema.privileges.filter(({ grantee }) => grantee !== rightOwner), wanted);
    const sql = privilegeSql(difference, wanted, `SCHEMA ${name}`);
    if (sql.length > 0) changes.push(changeIn(compartment, "schema-privileges", `on schema ${schema.name} ${describeDifference(difference)}`, sql.map((text) => ({ sql: text, as: rightOwner }))));
    // With pg_database_owner goes the right to grant in its name.
    if (schema.owner === rightOwner || schema.owner === "pg_database_owner") changes.push(...diffOwnPrivileges(compartment, "schema-privileges", schema.ownerLacks, `SCHEMA ${name}`, schema.owner, rightOwner));
    return changes;
  });
}

function diffOwnPrivileges(compartment: CompartmentPlan, rule: ProvisionRule, lacks: readonly string[], target: string, owner: string, as: string): Change[] {
  return ownPrivileges(lacks, target, owner).map(({ finding, statement }) => changeIn(compartment, rule, finding, [{ ...statement, as }]));
}

function withOwner(plan: TierPlan, compartment: CompartmentPlan, from: string, to: string, what: string, alter: string): Change {
  const change = changeIn(compartment, "object-owner", `${what} is owned by ${from}, not ${to}`, ownerSql(plan, from, to, alter));
  return mayActAs(plan, from) ? change : { ...change, manual: true };
}

/** What future objects of a schema get. Functions are closed to PUBLIC in all schemas at once, since Postgres cannot take that back for one. */
function wantedDefaults({ roles: { app, readonly } }: CompartmentPlan, schema: string | null, objectType: ObservedDefaultPrivileges["objectType"]): Grants {
  if (schema === null) return {};
  switch (objectType) {
    case "TABLES":
      return schema === MIGRATIONS_SCHEMA ? { [app]: ["SELECT"], [readonly]: ["SELECT"] } : { [app]: ["SELECT", "INSERT", "UPDATE", "DELETE"], [readonly]: ["SELECT"] };
    case "SEQUENCES":
      return schema === MIGRATIONS_SCHEMA ? {} : { [app]: ["USAGE"], [readonly]: ["SELECT"] };
    case "FUNCTIONS":
      return schema === MIGRATIONS_SCHEMA ? {} : { [app]: ["EXECUTE"] };
    case "TYPES":
    case "SCHEMAS":
      return {};
  }
}

function diffDefaultPrivileges(plan: TierPlan, compartment: CompartmentPlan, { schemas, defaultPrivileges }: ObservedDatabaseContents): Change[] {
  const { owner } = compartment.roles;
  const own = new Set([MIGRATIONS_SCHEMA, "public", ...schemas.map(({ name }) => name).filter((name) => name !== BULKHEAD_SCHEMA)]);
  const expected = [...own].flatMap((schema) => (["TABLES", "SEQUENCES", "FUNCTIONS"] as const).map((objectType) => ({ role: owner, schema, objectType })));
  const keyOf = ({ role, schema, objectType }: { role: string; schema: string | null; objectType: string }): string => JSON.stringify([role, schema, objectType]);
  const actual = new Map(defaultPrivileges.map((row) => [keyOf(row), row]));
  const wantedKeys = [...expected, { role: owner, schema: null, objectType: "FUNCTIONS" as const }];
  const unplanned = defaultPrivileges.filter((row) => !wantedKeys.some((key) => keyOf(key) === keyOf(row)));

  return [...wantedKeys, ...unplanned].flatMap(({ role, schema, objectType }) => {
    const isOwners = role === owner;
    const wanted = isOwners ? wantedDefaults(compartment, schema, objectType) : {};
    const row = actual.get(keyOf({ role, schema, objectType }));
    const difference = diffPrivileges(row?.privileges ?? builtInDefaults(role, schema, objectType), wanted);
    if (difference.extra.length === 0 && difference.missing.length === 0) return [];
    // What PUBLIC has by Postgres' own default on types is no right over data.
    if (schema === null && objectType === "TYPES" && difference.extra.every(({ grantee }) => grantee === "PUBLIC")) return [];
    const where = `${isOwners ? "" : `FOR ROLE ${quoteIdentifier(role)} `}${schema === null ? "" : `IN SCHEMA ${quoteIdentifier(schema)} `}`;
    const statements = borrowing(plan, role, defaultPrivilegeSql(difference, where, objectType).map((sql) => ({ sql, as: role })));
    const change = changeIn(compartment, "default-privileges", `future ${objectType.toLowerCase()} of ${role}${schema === null ? "" : ` in schema ${schema}`}: ${describeDifference(difference)}`, statements);
    return [mayActAs(plan, role) ? change : { ...change, manual: true as const }];
  });
}

/** Any login may set default privileges of its own. To take them back, the admin becomes a member of the role for the length of the transaction; of owners it is one already. */
function borrowing({ tier, compartments }: TierPlan, role: string, statements: readonly Statement[]): Statement[] {
  if (role === tier.admin || compartments.some(({ roles }) => roles.owner === role)) return [...statements];
  return [{ sql: actAs(tier, role) }, ...statements, { sql: actAsNoMore(tier, role) }];
}

function builtInDefaults(role: string, schema: string | null, objectType: string): Privilege[] {
  return schema === null && objectType === "FUNCTIONS" ? [{ grantee: "PUBLIC", grantor: role, privilege: "EXECUTE", grantable: false }] : [];
}

function defaultPrivilegeSql({ extra, missing }: ReturnType<typeof diffPrivileges>, where: string, objectType: string): string[] {
  const alter = `ALTER DEFAULT PRIVILEGES ${where}`;
  return [
    ...[...groupByGrantee(extra)].map(([grantee, privileges]) => `${alter}REVOKE ${privileges.join(", ")} ON ${objectType} FROM ${roleSql(grantee)}`),
    ...grants(missing).map(({ privileges, to }) => `${alter}GRANT ${privileges} ON ${objectType} TO ${to}`),
  ];
}

/** The keyword that ALTER and GRANT want for a kind; ROUTINE covers functions, procedures and aggregates. */
const ALTER_KEYWORD: Record<ObjectKind, string> = {
  table: "TABLE",
  view: "VIEW",
  "materialized view": "MATERIALIZED VIEW",
  sequence: "SEQUENCE",
  "foreign table": "FOREIGN TABLE",
  function: "ROUTINE",
  procedure: "ROUTINE",
  aggregate: "ROUTINE",
  type: "TYPE",
  domain: "DOMAIN",
};

function diffObject(plan: TierPlan, compartment: CompartmentPlan, object: ObservedObject): Change[] {
  const { owner } = compartment.roles;
  const rightOwner = object.schema === BULKHEAD_SCHEMA ? MONITOR_ROLE : owner;
  const changes: Change[] = [];
  if (object.owner !== rightOwner) {
    changes.push(withOwner(plan, compartment, object.owner, rightOwner, `${object.kind} ${object.identity}`, `ALTER ${ALTER_KEYWORD[object.kind]} ${object.identity} OWNER TO ${quoteIdentifier(rightOwner)}`));
  }
  const wanted = objectGrants(compartment, object);
  if (wanted === null) return changes;
  const difference = diffPrivileges(object.privileges.filter(({ grantee }) => grantee !== rightOwner), wanted);
  const sql = privilegeSql(difference, wanted, `${grantKeyword(object.kind)} ${object.identity}`);
  if (sql.length > 0) {
    const change = changeIn(compartment, "object-privileges", `on ${object.kind} ${object.identity} ${describeDifference(difference)}`, sql.map((text) => ({ sql: text, as: rightOwner })));
    // Where the owner cannot be mended, its grants cannot either.
    changes.push(object.owner === rightOwner || mayActAs(plan, object.owner) ? change : { ...change, manual: true });
  }
  if (object.owner === rightOwner) changes.push(...diffOwnPrivileges(compartment, "object-privileges", object.ownerLacks, `${grantKeyword(object.kind)} ${object.identity}`, rightOwner, rightOwner));
  return changes;
}

function grantKeyword(kind: ObjectKind): string {
  if (kind === "sequence") return "SEQUENCE";
  return kind === "function" || kind === "procedure" || kind === "aggregate" ? "ROUTINE" : "TABLE";
}

/** Wanted privileges of an existing object, or null for kinds that carry none that matter. */
function objectGrants(compartment: CompartmentPlan, { schema, kind }: ObservedObject): Grants | null {
  const { app, readonly, owner } = compartment.roles;
  if (kind === "type" || kind === "domain") return null;
  const isRoutine = kind === "function" || kind === "procedure" || kind === "aggregate";
  if (schema === BULKHEAD_SCHEMA) return { [app]: [isRoutine ? "EXECUTE" : "SELECT"], [readonly]: [isRoutine ? "EXECUTE" : "SELECT"], [owner]: [isRoutine ? "EXECUTE" : "SELECT"] };
  return wantedDefaults(compartment, schema, isRoutine ? "FUNCTIONS" : kind === "sequence" ? "SEQUENCES" : "TABLES");
}

function diffColumnPrivileges(compartment: CompartmentPlan, { columnPrivileges }: ObservedDatabaseContents): Change[] {
  return columnPrivileges.map(({ schema, table, column, grantee, privilege }) => {
    const target = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
    return changeIn(compartment, "column-privileges", `on column ${column} of ${schema}.${table} ${grantee} has ${privilege}`, [
      { sql: `REVOKE ${privilege} (${quoteIdentifier(column)}) ON TABLE ${target} FROM ${roleSql(grantee)} CASCADE`, as: schema === BULKHEAD_SCHEMA ? MONITOR_ROLE : compartment.roles.owner },
    ]);
  });
}

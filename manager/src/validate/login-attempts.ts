import type { CompartmentPlan, TierFacts } from "../plan/plan";
import { hasMembershipOptions } from "../plan/postgres-major";
import { quoteIdentifier } from "../postgres/identifier";
import type { SecretLogin } from "../secrets/secret";
import type { Attempt } from "./attempts";
import type { LiveRule } from "./rules";
import type { SessionFacts } from "./session-facts";

/** Name that objects would get if an attempt to make one were allowed; it would be rolled back all the same. */
const PROBE = "bulkhead_probe";
/** Schemas that the service's own roles have no place in. */
const FOREIGN_SCHEMAS = ["bulkhead", "extensions"];

/** Whom the attempts are made by and against. */
export interface AttemptContext {
  readonly compartment: CompartmentPlan;
  readonly login: SecretLogin;
  /** The role that the login's secret names. */
  readonly role: string;
  readonly tier: TierFacts;
  readonly facts: SessionFacts;
}

/**
 * What every login must be refused. Pure.
 *
 * Each statement is chosen so that it does no harm where it is allowed, against all expectation: it is rolled back, or has nothing to work
 * on, or changes nothing.
 */
export function refusedAttempts(context: AttemptContext): Attempt[] {
  const { compartment, login, role, tier, facts } = context;
  // The database's owner is what pg_database_owner stands for, so the migrator may act as that too.
  const own = login === "migrator" ? [role, compartment.roles.owner, "pg_database_owner"] : [role];
  const others = facts.roles.map(({ name }) => name).filter((name) => !own.includes(name));
  const self = quoteIdentifier(role);
  // A table that the login may write, where it has one: on another the refusal could be for the table and not for the file.
  const target = nameOf(facts.tables.find(({ schema, kind }) => schema === "public" && kind === "table") ?? { schema: "pg_catalog", name: "pg_class" });
  const attempt = (rule: LiveRule, sql: string, what = sql): Attempt => ({ rule, what, sql, expected: "42501" });
  return [
    ...others.filter((name) => name !== unrefusableRole(context)).map((name) => attempt("no-set-role", `SET LOCAL ROLE ${quoteIdentifier(name)}`, `SET ROLE ${name}`)),
    ...others.map((name) => attempt("no-session-authorization", `SET LOCAL SESSION AUTHORIZATION ${quoteIdentifier(name)}`, `SET SESSION AUTHORIZATION ${name}`)),

    attempt("no-server-control", `CREATE ROLE ${PROBE}`),
    attempt("no-server-control", `ALTER ROLE ${self} CREATEDB`),
    attempt("no-server-control", `ALTER ROLE ${self} CREATEROLE`),
    attempt("no-server-control", `ALTER ROLE ${quoteIdentifier(tier.admin)} CONNECTION LIMIT 1`),
    attempt("no-server-control", `GRANT ${quoteIdentifier(compartment.roles.owner)} TO ${self}`),
    attempt("no-server-control", `GRANT pg_read_all_data TO ${self}`),
    attempt("no-server-control", "SET LOCAL log_statement = 'none'"),
    attempt("no-server-control", "SELECT pg_reload_conf()"),
    attempt("no-server-control", "SELECT pg_rotate_logfile()"),
    attempt("no-server-control", `SELECT pg_create_physical_replication_slot('${PROBE}', false, true)`),
    attempt("no-server-control", "LOAD 'pg_stat_statements'"),
    attempt("no-server-control", `CREATE FUNCTION public.${PROBE}() RETURNS integer LANGUAGE internal AS 'pg_backend_pid'`),

    attempt("no-server-files", "SELECT pg_read_file('PG_VERSION')"),
    attempt("no-server-files", "SELECT pg_read_binary_file('PG_VERSION')"),
    attempt("no-server-files", "SELECT pg_stat_file('PG_VERSION')"),
    attempt("no-server-files", "SELECT pg_ls_dir('.')"),
    attempt("no-server-files", "SELECT pg_ls_waldir()"),
    attempt("no-server-files", "SELECT pg_ls_tmpdir()"),
    attempt("no-server-files", "SELECT lo_import('/dev/null')"),
    // Where they are allowed after all, a relative path is refused and an unknown large object cannot be written.
    attempt("no-server-files", "SELECT lo_export(1, 'relative')"),
    attempt("no-server-files", `COPY ${target} FROM '/dev/null'`, "COPY FROM '/dev/null'"),
    attempt("no-server-files", "COPY (SELECT 1) TO 'relative'"),
    attempt("no-server-files", `COPY ${target} FROM PROGRAM 'true'`, "COPY FROM PROGRAM 'true'"),
    attempt("no-server-files", "COPY (SELECT 1) TO PROGRAM 'true'"),

    attempt("no-role-secrets", "SELECT rolpassword FROM pg_catalog.pg_authid LIMIT 1"),
    attempt("no-role-secrets", "SELECT passwd FROM pg_catalog.pg_shadow LIMIT 1"),
    attempt("no-role-secrets", "SELECT umoptions FROM pg_catalog.pg_user_mapping LIMIT 1"),
    attempt("no-role-secrets", "SELECT subconninfo FROM pg_catalog.pg_subscription LIMIT 1"),
    attempt("no-role-secrets", "SELECT * FROM pg_catalog.pg_hba_file_rules LIMIT 1"),

    attempt("no-foreign-statements", "SELECT query FROM extensions.pg_stat_statements LIMIT 1"),
    attempt("no-foreign-statements", "SELECT query FROM extensions.pg_stat_statements(true) LIMIT 1"),
    attempt("no-foreign-statements", "SELECT extensions.pg_stat_statements_reset(0, 0, -1)"),

    ...(login === "migrator" ? FOREIGN_SCHEMAS.filter((schema) => facts.schemas.includes(schema)).map((schema) => attempt("no-create", `CREATE TABLE ${schema}.${PROBE} ()`)) : restrictedAttempts(context)),
  ];
}

/** The role from outside its own place that the server's version cannot keep a login from acting as: before 16 every member may, and the service's logins are members of their group. */
export function unrefusableRole({ compartment, login, tier }: Pick<AttemptContext, "compartment" | "login" | "tier">): string | undefined {
  return login === "app" && !hasMembershipOptions(tier) ? compartment.roles.app : undefined;
}

/** Signals that every login must be refused. Cancelling a session does nothing while that one is idle, and the privilege is the same as for ending it. Pure. */
export function signalAttempts(foreignPids: readonly number[]): Attempt[] {
  return foreignPids.map((pid) => ({ rule: "no-foreign-signals", what: `pg_cancel_backend(${pid})`, sql: `SELECT pg_cancel_backend(${pid})`, expected: "42501" }));
}

/** What the service and the readonly login must be refused, and the migrator need not be. */
function restrictedAttempts({ login, facts }: AttemptContext): Attempt[] {
  const attempt = (rule: LiveRule, sql: string, what = sql): Attempt => ({ rule, what, sql, expected: "42501" });
  const tables = facts.tables.filter(({ kind }) => kind === "table");
  const history = tables.find(({ schema, name }) => schema === "migrations" && name === "history");
  const own = tables.filter(({ schema }) => schema !== "migrations" && schema !== "bulkhead");
  return [
    ...facts.schemas.map((schema) => attempt("no-create", `CREATE TABLE ${quoteIdentifier(schema)}.${PROBE} ()`, `CREATE TABLE in ${schema}`)),
    attempt("no-create", `CREATE FUNCTION public.${PROBE}() RETURNS integer LANGUAGE sql AS 'SELECT 1'`, "CREATE FUNCTION in public"),
    attempt("no-create", `CREATE SCHEMA ${PROBE}`),
    attempt("no-temporary-tables", `CREATE TEMPORARY TABLE ${PROBE} ()`),
    // Of what takes ownership this wants the weakest lock, should it be allowed. TRUNCATE is left to the privilege function: allowed, it would lock.
    ...tables.map((table) => attempt("no-schema-change", `ALTER TABLE ${nameOf(table)} RESET (fillfactor)`, `ALTER TABLE ${shown(table)}`)),
    ...(history === undefined ? [] : writesOf(history).map(({ sql, what }) => attempt("no-history-write", sql, what))),
    ...(login === "readonly" ? own.flatMap((table) => writesOf(table).map(({ sql, what }) => attempt("readonly-cannot-write", sql, what))) : []),
  ];
}

/** The writes that the readonly login tries in a transaction as its settings make it: they are refused for that alone. */
export function readOnlyAttempts({ tables }: SessionFacts): Attempt[] {
  const attempt = (sql: string, what: string): Attempt => ({ rule: "readonly-cannot-write", what: `read-only transaction: ${what}`, sql, expected: "25006" });
  const own = tables.filter(({ schema, kind }) => kind === "table" && schema !== "bulkhead");
  return [attempt(`CREATE TABLE public.${PROBE} ()`, "CREATE TABLE"), ...own.flatMap((table) => writesOf(table).map(({ sql, what }) => attempt(sql, what)))];
}

/** What the service and the readonly login must be allowed: on every table and view, touching no row. */
export function allowedAttempts({ login, facts }: AttemptContext): Attempt[] {
  const attempt = (rule: LiveRule, sql: string, what: string): Attempt => ({ rule, what, sql, expected: "allowed" });
  return facts.tables.flatMap((table) => {
    const select = attempt("table-access", `SELECT FROM ${nameOf(table)} WHERE false`, `SELECT from ${shown(table)}`);
    const writable = login === "app" && table.kind === "table" && table.schema !== "migrations" && table.schema !== "bulkhead";
    return writable ? [select, ...writesOf(table).map(({ sql, what }) => attempt("table-access", sql, what))] : [select];
  });
}

/** An INSERT, an UPDATE and a DELETE that touch no row. Postgres checks the privilege all the same. */
function writesOf(table: SessionFacts["tables"][number]): { sql: string; what: string }[] {
  const name = nameOf(table);
  const columns = table.columns.map(quoteIdentifier);
  const statements = [{ sql: `DELETE FROM ${name} WHERE false`, what: `DELETE from ${shown(table)}` }];
  if (columns.length === 0) return statements;
  return [
    { sql: `INSERT INTO ${name} (${columns.join(", ")}) SELECT ${columns.join(", ")} FROM ${name} WHERE false`, what: `INSERT into ${shown(table)}` },
    { sql: `UPDATE ${name} SET ${columns[0]} = ${columns[0]} WHERE false`, what: `UPDATE ${shown(table)}` },
    ...statements,
  ];
}

function nameOf({ schema, name }: { schema: string; name: string }): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

function shown({ schema, name }: { schema: string; name: string }): string {
  return schema === "public" ? name : `${schema}.${name}`;
}


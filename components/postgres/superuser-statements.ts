/** The server's admin: not a superuser, shaped like the admin that Cloud SQL and RDS give out. */
export const ADMIN_ROLE = "bulkhead_admin";
/** What new databases are cloned from, where Bulkhead has the server to itself. */
export const TEMPLATE_DATABASE = "bulkhead_template";
/** `CONNECTION LIMIT` of the admin: one provisioning run takes up to 8 sessions, and a second run, `validate` and a person's shell may be there beside it. */
const ADMIN_CONNECTION_LIMIT = 24;

/**
 * The admin with all it may do, and its password. Repeatable: also gives back what it lost.
 *
 * @param adminVerifier base64, `$` and `:` by its grammar, so it needs no quoting
 * @param major of the server: memberships have options of their own, and connections are reserved for a role, from 16 on
 */
export function adminStatements(adminVerifier: string, major: number): string[] {
  return [
    `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${ADMIN_ROLE}') THEN CREATE ROLE ${ADMIN_ROLE}; END IF; END $$`,
    `ALTER ROLE ${ADMIN_ROLE} LOGIN CREATEROLE CREATEDB INHERIT NOSUPERUSER NOREPLICATION NOBYPASSRLS CONNECTION LIMIT ${ADMIN_CONNECTION_LIMIT} PASSWORD '${adminVerifier}' VALID UNTIL 'infinity'`,
    `GRANT pg_monitor, pg_signal_backend TO ${ADMIN_ROLE} WITH ${major >= 16 ? "ADMIN TRUE, INHERIT TRUE" : "ADMIN OPTION"}`,
    // A few connections stay free for it when services have taken all others.
    ...(major >= 16 ? [`GRANT pg_use_reserved_connections TO ${ADMIN_ROLE}`] : []),
    `GRANT CONNECT, CREATE ON DATABASE postgres TO ${ADMIN_ROLE}`,
  ];
}

/** What PUBLIC loses in the databases that every server has. Repeatable. */
export function publicStatements(): string[] {
  return ["REVOKE ALL ON DATABASE postgres FROM PUBLIC", "REVOKE ALL ON DATABASE template1 FROM PUBLIC"];
}

/** Makes the template; not repeatable, since CREATE DATABASE knows no IF NOT EXISTS and no block to stand in. */
export function createTemplateStatement(): string {
  return `CREATE DATABASE ${TEMPLATE_DATABASE} TEMPLATE template0 IS_TEMPLATE true`;
}

/** What PUBLIC loses in the template; runs anywhere. Repeatable. */
export function templatePublicStatements(): string[] {
  return [`REVOKE ALL ON DATABASE ${TEMPLATE_DATABASE} FROM PUBLIC`];
}

/** What is in the template; runs inside it, after the admin was made. Repeatable. */
export function templateStatements(): string[] {
  return [
    "CREATE SCHEMA IF NOT EXISTS extensions",
    "CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA extensions",
    "REVOKE ALL ON ALL TABLES IN SCHEMA extensions FROM PUBLIC",
    "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA extensions FROM PUBLIC",
    // In every clone the admin can make, and hand out, a function that shows a service its own statements.
    `GRANT USAGE, CREATE ON SCHEMA extensions TO ${ADMIN_ROLE} WITH GRANT OPTION`,
    `GRANT SELECT ON ALL TABLES IN SCHEMA extensions TO ${ADMIN_ROLE} WITH GRANT OPTION`,
    `GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA extensions TO ${ADMIN_ROLE} WITH GRANT OPTION`,
  ];
}

import type { ProvisionRule } from "../../../manager/src/provision/change";

/** What somebody does by hand: the database it is done in, the statements, the rules that it breaks, and words of the finding. */
export interface Drift {
  readonly what: string;
  readonly in: "postgres" | "auth_db" | "l2p_db";
  readonly sql: readonly string[];
  readonly breaks: readonly ProvisionRule[];
  readonly says: RegExp;
}

export const asOwner = (...statements: string[]): string[] => ["SET ROLE auth_owner", ...statements];
/** The admin takes on a role's rights, does something, and gives them back. */
const as = (role: string, ...statements: string[]): string[] => [`GRANT ${role} TO bulkhead_admin WITH INHERIT TRUE, SET TRUE`, `SET ROLE ${role}`, ...statements, "RESET ROLE", `REVOKE ${role} FROM bulkhead_admin`];

export const DRIFTS: readonly Drift[] = [
  { what: "CREATEDB on a login", in: "postgres", sql: ["ALTER ROLE auth_user CREATEDB CREATEROLE"], breaks: ["role-attributes"], says: /auth_user should be NOCREATEDB NOCREATEROLE/ },
  { what: "a login for the owner", in: "postgres", sql: ["ALTER ROLE auth_owner LOGIN"], breaks: ["role-attributes"], says: /auth_owner should be NOLOGIN/ },
  { what: "NOLOGIN and an end of validity", in: "postgres", sql: ["ALTER ROLE auth_user NOLOGIN VALID UNTIL '2020-01-01'"], breaks: ["role-attributes"], says: /LOGIN VALID UNTIL 'infinity'/ },
  { what: "another connection limit", in: "postgres", sql: ["ALTER ROLE auth_user CONNECTION LIMIT -1"], breaks: ["role-connection-limit"], says: /CONNECTION LIMIT -1, not 40/ },
  { what: "a membership in another service's group", in: "postgres", sql: ["GRANT l2p_app TO auth_user"], breaks: ["role-membership"], says: /auth_user is a member of l2p_app/ },
  { what: "a member from outside", in: "postgres", sql: ["CREATE ROLE outsider", "GRANT auth_app TO outsider"], breaks: ["role-membership"], says: /outsider is a member of auth_app/ },
  { what: "a membership with other options", in: "postgres", sql: ["GRANT auth_app TO auth_user WITH SET TRUE, ADMIN TRUE"], breaks: ["role-membership"], says: /other options/ },
  { what: "a membership taken away", in: "postgres", sql: ["REVOKE auth_app FROM auth_user"], breaks: ["role-membership"], says: /auth_user is no member of auth_app/ },
  { what: "another timeout", in: "postgres", sql: ["ALTER ROLE auth_user SET statement_timeout = 0"], breaks: ["role-settings"], says: /statement_timeout = 0, not 30s/ },
  { what: "a setting that nobody planned", in: "postgres", sql: ["ALTER ROLE auth_user SET work_mem = '1GB'"], breaks: ["role-settings"], says: /sets work_mem/ },
  { what: "a setting in one database", in: "postgres", sql: ["ALTER ROLE auth_user IN DATABASE auth_db SET search_path = 'evil'"], breaks: ["role-settings"], says: /sets search_path in auth_db/ },
  { what: "all settings reset", in: "postgres", sql: ["ALTER ROLE auth_readonly RESET ALL"], breaks: ["role-settings"], says: /default_transaction_read_only unset/ },
  { what: "a setting of the database", in: "postgres", sql: asOwner("ALTER DATABASE auth_db SET statement_timeout = 0"), breaks: ["database-settings"], says: /auth_db sets statement_timeout/ },
  { what: "another limit of the database", in: "postgres", sql: asOwner("ALTER DATABASE auth_db CONNECTION LIMIT -1"), breaks: ["database-connection-limit"], says: /CONNECTION LIMIT -1, not 50/ },
  { what: "CONNECT for PUBLIC", in: "postgres", sql: asOwner("GRANT CONNECT, TEMP ON DATABASE auth_db TO PUBLIC"), breaks: ["database-privileges"], says: /PUBLIC has .*CONNECT/ },
  { what: "CONNECT for another service, with grant option", in: "postgres", sql: asOwner("GRANT CONNECT ON DATABASE auth_db TO l2p_user WITH GRANT OPTION"), breaks: ["database-privileges"], says: /l2p_user has CONNECT WITH GRANT OPTION/ },
  { what: "CONNECT passed on by somebody with grant option", in: "postgres", sql: [...asOwner("GRANT CONNECT ON DATABASE auth_db TO auth_app WITH GRANT OPTION"), "RESET ROLE", ...as("auth_app", "GRANT CONNECT ON DATABASE auth_db TO l2p_user")], breaks: ["database-privileges"], says: /l2p_user has CONNECT/ },
  { what: "CONNECT taken away", in: "postgres", sql: asOwner("REVOKE CONNECT ON DATABASE auth_db FROM auth_app"), breaks: ["database-privileges"], says: /auth_app lacks CONNECT/ },
  { what: "the admin's own CONNECT taken away", in: "postgres", sql: asOwner("REVOKE CONNECT ON DATABASE auth_db FROM bulkhead_admin"), breaks: ["database-privileges"], says: /bulkhead_admin lacks CONNECT/ },
  { what: "no connections allowed", in: "postgres", sql: asOwner("ALTER DATABASE auth_db ALLOW_CONNECTIONS false"), breaks: ["database-exists"], says: /allows no connections/ },
  { what: "the database as a template", in: "postgres", sql: asOwner("ALTER DATABASE auth_db IS_TEMPLATE true"), breaks: ["database-owner"], says: /is a template/ },
  { what: "another owner of the database", in: "postgres", sql: ["GRANT auth_owner TO bulkhead_admin WITH INHERIT TRUE", "ALTER DATABASE auth_db OWNER TO bulkhead_admin", "GRANT auth_owner TO bulkhead_admin WITH INHERIT FALSE"], breaks: ["database-owner", "database-privileges"], says: /owned by bulkhead_admin, not auth_owner/ },
  { what: "the database of another service's owner", in: "postgres", sql: ["GRANT auth_owner, l2p_owner TO bulkhead_admin WITH INHERIT TRUE", "ALTER DATABASE auth_db OWNER TO l2p_owner", "GRANT auth_owner, l2p_owner TO bulkhead_admin WITH INHERIT FALSE"], breaks: ["database-owner"], says: /owned by l2p_owner, not auth_owner/ },
  { what: "USAGE on public for PUBLIC", in: "auth_db", sql: asOwner("GRANT USAGE, CREATE ON SCHEMA public TO PUBLIC"), breaks: ["schema-privileges"], says: /PUBLIC has USAGE, CREATE|PUBLIC has CREATE, USAGE/ },
  { what: "CREATE on public for the app", in: "auth_db", sql: asOwner("GRANT CREATE ON SCHEMA public TO auth_app"), breaks: ["schema-privileges"], says: /auth_app has CREATE/ },
  { what: "a schema of its own", in: "auth_db", sql: asOwner("CREATE SCHEMA reports"), breaks: ["schema-privileges", "default-privileges"], says: /auth_app lacks USAGE/ },
  { what: "a schema of the admin's, open to the owner", in: "auth_db", sql: ["CREATE SCHEMA imports", "GRANT USAGE ON SCHEMA imports TO auth_owner"], breaks: ["object-owner", "schema-privileges", "default-privileges"], says: /schema imports is owned by bulkhead_admin/ },
  { what: "no schema public", in: "l2p_db", sql: ["SET ROLE l2p_owner", "DROP SCHEMA public CASCADE"], breaks: ["schema-privileges", "default-privileges"], says: /schema public does not exist/ },
  { what: "a table of the admin's", in: "auth_db", sql: [...asOwner("GRANT ALL ON SCHEMA public TO bulkhead_admin"), "RESET ROLE", "CREATE TABLE public.foreign_table (i serial)", ...asOwner("REVOKE ALL ON SCHEMA public FROM bulkhead_admin")], breaks: ["object-owner", "object-privileges"], says: /foreign_table is owned by bulkhead_admin/ },
  { what: "a function of the admin's, open to PUBLIC", in: "auth_db", sql: [...asOwner("GRANT ALL ON SCHEMA public TO bulkhead_admin"), "RESET ROLE", `CREATE FUNCTION public."odd name"(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql RETURN 1`, ...asOwner("REVOKE ALL ON SCHEMA public FROM bulkhead_admin")], breaks: ["object-owner", "object-privileges"], says: /odd name/ },
  { what: "a type and a domain of the admin's", in: "auth_db", sql: [...asOwner("GRANT ALL ON SCHEMA public TO bulkhead_admin"), "RESET ROLE", "CREATE TYPE public.mood AS ENUM ('x')", "CREATE DOMAIN public.d AS int", "CREATE TYPE public.pair AS (a int, b int)", ...asOwner("REVOKE ALL ON SCHEMA public FROM bulkhead_admin")], breaks: ["object-owner"], says: /type public.mood is owned by/ },
  { what: "grants on a table", in: "auth_db", sql: asOwner("GRANT ALL ON t TO PUBLIC", "GRANT TRUNCATE ON t TO auth_app WITH GRANT OPTION", "REVOKE SELECT ON t FROM auth_readonly"), breaks: ["object-privileges"], says: /auth_readonly lacks SELECT/ },
  { what: "grants on a sequence", in: "auth_db", sql: asOwner("GRANT UPDATE ON t_id_seq TO auth_app", "REVOKE USAGE ON t_id_seq FROM auth_app"), breaks: ["object-privileges"], says: /sequence public.t_id_seq/ },
  { what: "grants on a function", in: "auth_db", sql: asOwner("GRANT EXECUTE ON FUNCTION f(int) TO PUBLIC"), breaks: ["object-privileges"], says: /function public.f\(.*int.*PUBLIC has EXECUTE/ },
  { what: "a grant on a view to another service", in: "auth_db", sql: asOwner("GRANT SELECT ON v TO l2p_app"), breaks: ["object-privileges"], says: /view public.v l2p_app has SELECT/ },
  { what: "the owner's own right to write its table", in: "auth_db", sql: asOwner("REVOKE INSERT, TRUNCATE ON t FROM auth_owner"), breaks: ["object-privileges"], says: /its owner auth_owner lacks INSERT, TRUNCATE/ },
  { what: "all of the owner's rights on a sequence, a function and a view", in: "auth_db", sql: asOwner("REVOKE ALL ON t_id_seq FROM auth_owner", "REVOKE ALL ON FUNCTION f(int) FROM auth_owner", "REVOKE ALL ON v FROM auth_owner"), breaks: ["object-privileges"], says: /SEQUENCE public.t_id_seq its owner auth_owner lacks SELECT, USAGE, UPDATE/ },
  { what: "the owner's own USAGE on schemas", in: "auth_db", sql: asOwner("REVOKE USAGE ON SCHEMA public FROM pg_database_owner", "REVOKE ALL ON SCHEMA migrations FROM auth_owner"), breaks: ["schema-privileges"], says: /"public" its owner pg_database_owner lacks USAGE/ },
  { what: "the owner's own CREATE on the database", in: "postgres", sql: asOwner("REVOKE CREATE ON DATABASE auth_db FROM auth_owner"), breaks: ["database-privileges"], says: /its owner auth_owner lacks CREATE/ },
  { what: "a grant on a column", in: "auth_db", sql: asOwner('GRANT UPDATE ("odd ""col") ON t TO auth_readonly'), breaks: ["column-privileges"], says: /auth_readonly has UPDATE/ },
  { what: "the history table open to the app", in: "auth_db", sql: asOwner("CREATE TABLE migrations.history (i int)", "GRANT INSERT, DELETE ON migrations.history TO auth_app"), breaks: ["object-privileges"], says: /auth_app has INSERT, DELETE|auth_app has DELETE, INSERT/ },
  { what: "default privileges for PUBLIC", in: "auth_db", sql: asOwner("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC", "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE INSERT ON TABLES FROM auth_app"), breaks: ["default-privileges"], says: /auth_app lacks INSERT/ },
  { what: "default privileges of the admin and of a login", in: "auth_db", sql: ["ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO l2p_app", ...as("auth_user", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO l2p_app")], breaks: ["default-privileges"], says: /future tables of auth_user: l2p_app has SELECT/ },
  { what: "bulkhead.statements dropped", in: "auth_db", sql: ["SET ROLE bulkhead_monitor", "DROP VIEW bulkhead.statements"], breaks: ["own-statements"], says: /bulkhead.statements is missing/ },
  { what: "bulkhead.own_statements() rewritten", in: "auth_db", sql: ["SET ROLE bulkhead_monitor", "CREATE OR REPLACE FUNCTION bulkhead.own_statements(OUT role name, OUT queryid bigint, OUT query text, OUT calls bigint, OUT rows bigint, OUT total_exec_time_ms double precision, OUT mean_exec_time_ms double precision, OUT max_exec_time_ms double precision, OUT shared_blks_hit bigint, OUT shared_blks_read bigint) RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT NULL::name, 0::bigint, NULL::text, 0::bigint, 0::bigint, 0::float8, 0::float8, 0::float8, 0::bigint, 0::bigint'"], breaks: ["own-statements"], says: /not as Bulkhead made it/ },
  { what: "the schema extensions open to PUBLIC and another service", in: "auth_db", sql: ["GRANT USAGE ON SCHEMA extensions TO PUBLIC, l2p_user", "GRANT SELECT ON extensions.pg_stat_statements TO auth_app", "GRANT EXECUTE ON FUNCTION extensions.pg_stat_statements(boolean) TO PUBLIC"], breaks: ["own-statements"], says: /ROUTINE extensions.pg_stat_statements\(boolean\) PUBLIC has EXECUTE\n.*SCHEMA extensions PUBLIC has USAGE; l2p_user has USAGE\n.*TABLE extensions.pg_stat_statements auth_app has SELECT/ },
  { what: "the monitor's way to the statistics taken away", in: "auth_db", sql: ["REVOKE USAGE ON SCHEMA extensions FROM bulkhead_monitor", "REVOKE EXECUTE ON FUNCTION extensions.pg_stat_statements(boolean) FROM bulkhead_monitor"], breaks: ["own-statements"], says: /bulkhead_monitor lacks EXECUTE\non SCHEMA extensions bulkhead_monitor lacks USAGE|bulkhead_monitor lacks USAGE\n.*bulkhead_monitor lacks EXECUTE/ },
  { what: "bulkhead.statements open to PUBLIC", in: "auth_db", sql: ["SET ROLE bulkhead_monitor", "GRANT USAGE ON SCHEMA bulkhead TO PUBLIC", "GRANT SELECT ON bulkhead.statements TO PUBLIC"], breaks: ["schema-privileges", "object-privileges"], says: /view bulkhead.statements PUBLIC has SELECT/ },
];

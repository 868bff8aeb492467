import type { Rule } from "../../../manager/src/validate";

/** Something that a person did by hand. */
export interface Drift {
  readonly name: string;
  /** In which database, and what: as the admin, who may act as every owner. */
  readonly sql: readonly [database: string, sql: string];
  /** The rules that must fail, provisioning's and live ones. Others may fail too. */
  readonly rules: readonly Rule[];
  /** What a failed check must name. */
  readonly names: RegExp;
}

const AS_ALPHA = "SET ROLE alpha_owner;";

export const DRIFTS: readonly Drift[] = [
  { name: "CONNECT granted to a login of another service", sql: ["postgres", "SET ROLE beta_owner; GRANT CONNECT ON DATABASE beta_db TO alpha_user"], rules: ["database-privileges", "no-foreign-database"], names: /alpha_user has CONNECT/ },
  { name: "CONNECT granted to another service's migrator", sql: ["postgres", "SET ROLE beta_owner; GRANT CONNECT ON DATABASE beta_db TO alpha_migrator"], rules: ["database-privileges", "no-foreign-database"], names: /alpha_migrator may connect to beta_db/ },
  { name: "CONNECT granted to PUBLIC", sql: ["postgres", "SET ROLE beta_owner; GRANT CONNECT ON DATABASE beta_db TO PUBLIC"], rules: ["database-privileges", "no-foreign-database"], names: /beta_db: is let in/ },
  { name: "TEMP granted", sql: ["postgres", `${AS_ALPHA} GRANT TEMPORARY ON DATABASE alpha_db TO alpha_app`], rules: ["database-privileges", "no-temporary-tables"], names: /CREATE TEMPORARY TABLE .* is allowed/ },
  { name: "CREATE granted on the database", sql: ["postgres", `${AS_ALPHA} GRANT CREATE ON DATABASE alpha_db TO alpha_readonly`], rules: ["database-privileges", "no-create"], names: /CREATE SCHEMA .* is allowed/ },
  { name: "CREATE granted on schema public", sql: ["alpha_db", `${AS_ALPHA} GRANT CREATE ON SCHEMA public TO alpha_app`], rules: ["schema-privileges", "no-create"], names: /CREATE TABLE in public is allowed/ },
  { name: "CREATEDB given to a login", sql: ["postgres", "ALTER ROLE alpha_user CREATEDB"], rules: ["role-attributes", "no-server-control"], names: /CREATE DATABASE ended with 3D000/ },
  { name: "CREATEROLE given to a login", sql: ["postgres", "ALTER ROLE alpha_readonly CREATEROLE"], rules: ["role-attributes", "no-server-control"], names: /CREATE ROLE bulkhead_probe is allowed/ },
  { name: "NOLOGIN set", sql: ["postgres", "ALTER ROLE alpha_user NOLOGIN"], rules: ["role-attributes", "login"], names: /alpha_user does not get into alpha_db/ },
  { name: "VALID UNTIL in the past", sql: ["postgres", "ALTER ROLE alpha_readonly VALID UNTIL '2001-01-01'"], rules: ["role-attributes", "login"], names: /VALID UNTIL/ },
  { name: "LOGIN given to the owner", sql: ["postgres", "ALTER ROLE alpha_owner LOGIN"], rules: ["role-attributes"], names: /alpha_owner should be NOLOGIN/ },
  { name: "a login's CONNECTION LIMIT lowered to none", sql: ["postgres", "ALTER ROLE alpha_user CONNECTION LIMIT 0"], rules: ["role-connection-limit", "login"], names: /too many connections for role/ },
  { name: "the database's CONNECTION LIMIT raised", sql: ["postgres", `${AS_ALPHA} ALTER DATABASE alpha_db CONNECTION LIMIT 500`], rules: ["database-connection-limit"], names: /CONNECTION LIMIT 500/ },
  { name: "a timeout switched off on the role", sql: ["postgres", "ALTER ROLE alpha_user SET statement_timeout = 0"], rules: ["role-settings", "session-settings"], names: /statement_timeout is 0, not 30s/ },
  { name: "a search_path for the role in one database", sql: ["postgres", "ALTER ROLE alpha_user IN DATABASE alpha_db SET search_path = pg_temp, public"], rules: ["role-settings", "session-settings"], names: /search_path is pg_temp, public, not public/ },
  { name: "a setting on the database", sql: ["postgres", `${AS_ALPHA} ALTER DATABASE alpha_db SET work_mem = '1GB'`], rules: ["database-settings"], names: /sets work_mem/ },
  { name: "read-only switched off for the readonly login", sql: ["postgres", "ALTER ROLE alpha_readonly SET default_transaction_read_only = off"], rules: ["role-settings", "readonly-cannot-write"], names: /read-only transaction: .* should have been refused with 25006/ },
  { name: "the migrator no longer acting as the owner", sql: ["postgres", "ALTER ROLE alpha_migrator RESET role"], rules: ["role-settings", "identity", "write-probe"], names: /current_user is alpha_migrator, not alpha_owner/ },
  { name: "membership in another service's group", sql: ["postgres", "GRANT beta_app TO alpha_user"], rules: ["role-membership", "no-set-role"], names: /SET ROLE beta_app is allowed/ },
  { name: "inherited membership that SET ROLE does not show", sql: ["postgres", "GRANT beta_app TO alpha_user WITH INHERIT TRUE, SET FALSE"], rules: ["role-membership", "no-set-role"], names: /has the rights of beta_app/ },
  { name: "membership in the owner", sql: ["postgres", "GRANT alpha_owner TO alpha_user"], rules: ["role-membership", "no-set-role", "no-create", "no-schema-change", "no-history-write", "no-temporary-tables"], names: /SET ROLE alpha_owner is allowed/ },
  { name: "the monitor's rights", sql: ["postgres", "GRANT pg_monitor TO alpha_user"], rules: ["role-membership", "no-server-files", "no-foreign-activity"], names: /pg_ls_waldir\(\) is allowed/ },
  { name: "the right to end sessions", sql: ["postgres", "GRANT pg_signal_backend TO alpha_user"], rules: ["role-membership", "no-foreign-signals"], names: /pg_cancel_backend\(\d+\) is allowed/ },
  { name: "TRUNCATE granted on a table", sql: ["alpha_db", `${AS_ALPHA} GRANT TRUNCATE ON items TO alpha_app`], rules: ["object-privileges", "no-schema-change"], names: /may TRUNCATE on public\.items/ },
  { name: "INSERT granted to the readonly login", sql: ["alpha_db", `${AS_ALPHA} GRANT INSERT ON items TO alpha_readonly`], rules: ["object-privileges", "readonly-cannot-write"], names: /INSERT into items is allowed/ },
  { name: "a sequence opened to the readonly login", sql: ["alpha_db", `${AS_ALPHA} GRANT USAGE ON SEQUENCE counter TO alpha_readonly`], rules: ["object-privileges", "readonly-cannot-write"], names: /may advance sequence public\.counter/ },
  { name: "the history opened to the service", sql: ["alpha_db", `${AS_ALPHA} GRANT UPDATE ON migrations.history TO alpha_app`], rules: ["object-privileges", "no-history-write"], names: /UPDATE migrations\.history is allowed/ },
  { name: "SELECT taken from the service", sql: ["alpha_db", `${AS_ALPHA} REVOKE SELECT ON items FROM alpha_app`], rules: ["object-privileges", "table-access"], names: /permission denied for table items/ },
  { name: "a function opened to PUBLIC", sql: ["alpha_db", `${AS_ALPHA} GRANT EXECUTE ON FUNCTION item_count_as_owner() TO PUBLIC`], rules: ["object-privileges"], names: /PUBLIC has EXECUTE/ },
  { name: "a privilege on a column", sql: ["alpha_db", `${AS_ALPHA} GRANT UPDATE (note) ON items TO alpha_readonly`], rules: ["column-privileges", "readonly-cannot-write"], names: /on column note of public\.items/ },
  { name: "default privileges that let the readonly login write", sql: ["alpha_db", `${AS_ALPHA} ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO alpha_readonly`], rules: ["default-privileges", "write-probe"], names: /alpha_readonly can write a new table/ },
  { name: "default privileges taken from the service", sql: ["alpha_db", `${AS_ALPHA} ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE INSERT ON TABLES FROM alpha_app`], rules: ["default-privileges", "write-probe"], names: /alpha_app cannot read and write a new table/ },
  {
    name: "a table of the admin's",
    sql: ["alpha_db", `${AS_ALPHA} DROP TABLE IF EXISTS public.made_by_hand; GRANT CREATE ON SCHEMA public TO bulkhead_admin; RESET ROLE; CREATE TABLE public.made_by_hand (id integer)`],
    rules: ["object-owner", "schema-privileges", "table-access"],
    names: /table public\.made_by_hand is owned by bulkhead_admin/,
  },
  { name: "the database given to another owner", sql: ["postgres", "GRANT alpha_owner, beta_owner TO bulkhead_admin WITH INHERIT TRUE, SET TRUE; ALTER DATABASE alpha_db OWNER TO beta_owner; GRANT alpha_owner, beta_owner TO bulkhead_admin WITH INHERIT FALSE, SET TRUE"], rules: ["database-owner", "no-foreign-database"], names: /alpha_db is owned by beta_owner/ },
  {
    name: "a statistics function that shows all databases",
    sql: [
      "alpha_db",
      `SET ROLE bulkhead_monitor; CREATE OR REPLACE FUNCTION bulkhead.own_statements(OUT role name, OUT queryid bigint, OUT query text, OUT calls bigint, OUT rows bigint, OUT total_exec_time_ms double precision,
       OUT mean_exec_time_ms double precision, OUT max_exec_time_ms double precision, OUT shared_blks_hit bigint, OUT shared_blks_read bigint) RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
       AS 'SELECT pg_get_userbyid(s.userid), s.queryid, s.query, s.calls, s.rows, s.total_exec_time, s.mean_exec_time, s.max_exec_time, s.shared_blks_hit, s.shared_blks_read FROM extensions.pg_stat_statements(true) s'`,
    ],
    rules: ["own-statements", "no-foreign-statements"],
    names: /bulkhead\.statements shows statements of tier, beta/,
  },
  {
    name: "the statistics of all databases opened to a service",
    sql: ["alpha_db", "GRANT USAGE ON SCHEMA extensions TO alpha_app; GRANT SELECT ON extensions.pg_stat_statements TO alpha_app; GRANT EXECUTE ON FUNCTION extensions.pg_stat_statements(boolean) TO alpha_app"],
    rules: ["own-statements", "no-foreign-statements"],
    names: /SELECT query FROM extensions\.pg_stat_statements LIMIT 1 is allowed/,
  },
];

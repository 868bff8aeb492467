import { quoteIdentifier } from "../postgres/identifier";
import type { Statement } from "./change";
import { MONITOR_ROLE } from "./diff-roles";

/**
 * Body of `bulkhead.own_statements()`. pg_stat_statements keeps the statements of all databases in one place; this shows those of the
 * database that it is called in. It runs as the monitor role, since only that may see the texts of other logins.
 */
export const OWN_STATEMENTS_SOURCE = `
  SELECT pg_get_userbyid(s.userid), s.queryid, s.query, s.calls, s.rows, s.total_exec_time, s.mean_exec_time, s.max_exec_time, s.shared_blks_hit, s.shared_blks_read
  FROM extensions.pg_stat_statements(true) s
  WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
`;

/** Makes the schema `bulkhead` with the function and the view `bulkhead.statements`, owned by the monitor role. */
export function createStatementsView(): Statement[] {
  const monitor = quoteIdentifier(MONITOR_ROLE);
  const as = MONITOR_ROLE;
  return [
    { sql: `GRANT USAGE ON SCHEMA extensions TO ${monitor}` },
    { sql: `GRANT EXECUTE ON FUNCTION extensions.pg_stat_statements(boolean) TO ${monitor}` },
    { sql: `CREATE SCHEMA IF NOT EXISTS bulkhead AUTHORIZATION ${monitor}` },
    { sql: "DROP FUNCTION IF EXISTS bulkhead.own_statements() CASCADE", as },
    {
      sql:
        "CREATE FUNCTION bulkhead.own_statements(OUT role name, OUT queryid bigint, OUT query text, OUT calls bigint, OUT rows bigint, OUT total_exec_time_ms double precision," +
        " OUT mean_exec_time_ms double precision, OUT max_exec_time_ms double precision, OUT shared_blks_hit bigint, OUT shared_blks_read bigint)" +
        ` RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $statements$${OWN_STATEMENTS_SOURCE}$statements$`,
      as,
    },
    { sql: "CREATE OR REPLACE VIEW bulkhead.statements AS SELECT * FROM bulkhead.own_statements()", as },
    { sql: "REVOKE ALL ON FUNCTION bulkhead.own_statements() FROM PUBLIC", as },
  ];
}

import type { ClientBase } from "pg";

import { readAcl } from "../postgres/acl";
import type { FoundDatabase, FoundServer } from "./observed";

/** Reads what all databases share, in one round trip. @param client a session of a superuser */
export async function readServer(client: ClientBase): Promise<FoundServer> {
  const { rows } = await client.query<{ server: RawServer }>(SERVER_QUERY);
  const raw = rows[0]!.server;
  return { ...raw, databases: raw.databases.map(({ acl, ...database }) => ({ ...database, privileges: readAcl(acl, "database", database.owner).privileges })) };
}

type RawServer = Omit<FoundServer, "databases"> & { readonly databases: readonly (Omit<FoundDatabase, "privileges"> & { readonly acl: string[] | null })[] };

/** Oid of the role that initdb makes (BOOTSTRAP_SUPERUSERID in pg_authid.dat). */
const BOOTSTRAP_OID = 10;

/** `datconnlimit` of a database whose DROP was interrupted (DATCONNLIMIT_INVALID_DB in pg_database.h). */
const INVALID_DATABASE = -2;

const SERVER_QUERY = `
SELECT json_build_object(
  'versionNumber', current_setting('server_version_num')::int,
  'superuser', session_user,
  'inRecovery', pg_is_in_recovery(),
  'dataChecksums', current_setting('data_checksums') = 'on',
  'roles', (SELECT json_agg(json_build_object(
      'name', rolname, 'bootstrap', oid = ${BOOTSTRAP_OID}, 'login', rolcanlogin, 'superuser', rolsuper, 'createdb', rolcreatedb, 'createrole', rolcreaterole,
      'replication', rolreplication, 'bypassrls', rolbypassrls, 'hasPassword', rolpassword IS NOT NULL) ORDER BY rolname)
    FROM pg_authid WHERE rolname !~ '^pg_'),
  'memberships', coalesce((SELECT json_agg(json_build_object('role', g.rolname, 'member', m.rolname, 'grantor', pg_get_userbyid(am.grantor), 'admin', am.admin_option) ORDER BY g.rolname, m.rolname, am.grantor)
    FROM pg_auth_members am JOIN pg_roles g ON g.oid = am.roleid JOIN pg_roles m ON m.oid = am.member), '[]'),
  'databases', (SELECT json_agg(json_build_object(
      'name', datname, 'owner', pg_get_userbyid(datdba), 'allowConnections', datallowconn, 'isTemplate', datistemplate, 'invalid', datconnlimit = ${INVALID_DATABASE}, 'acl', datacl::text[],
      'collationDiffers', coalesce(datcollversion <> pg_database_collation_actual_version(oid), false)) ORDER BY datname)
    FROM pg_database WHERE datname <> 'template0'),
  'settings', coalesce((SELECT json_agg(json_build_object(
      'role', r.rolname, 'database', d.datname, 'name', split_part(c.setting, '=', 1), 'value', substr(c.setting, strpos(c.setting, '=') + 1)))
    FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase CROSS JOIN LATERAL unnest(s.setconfig) AS c(setting)), '[]'),
  'tablespaces', coalesce((SELECT json_agg(json_build_object(
      'name', spcname, 'owner', pg_get_userbyid(spcowner), 'location', pg_tablespace_location(oid), 'present', (pg_stat_file('pg_tblspc/' || oid, true)).size IS NOT NULL) ORDER BY spcname)
    FROM pg_tablespace WHERE spcname !~ '^pg_'), '[]'),
  'preparedTransactions', coalesce((SELECT json_agg(json_build_object('gid', gid, 'database', database) ORDER BY gid) FROM pg_prepared_xacts), '[]'),
  'replicationSlots', coalesce((SELECT json_agg(json_build_object('name', slot_name, 'logical', slot_type = 'logical') ORDER BY slot_name) FROM pg_replication_slots WHERE NOT temporary), '[]'),
  'systemSettings', coalesce((SELECT json_agg(json_build_object('name', name, 'value', setting) ORDER BY name) FROM pg_file_settings WHERE sourcefile LIKE '%/postgresql.auto.conf' AND name IS NOT NULL), '[]')
) AS server`;

import type { ClientBase } from "pg";

import type { TierFacts } from "../plan/plan";
import { hasMembershipOptions, refuseOtherServer } from "../plan/postgres-major";
import { readAcl } from "../postgres/acl";
import type { ObservedCluster, ObservedDatabase } from "./observed";

/** Database in which cluster-wide changes take their lock and keep their books: advisory locks are per database, so all must agree on one. */
export const AGREED_DATABASE = "postgres";

/** The databases that every server has from the beginning: they are a tier's to close, where its admin may. */
export const INITIAL_DATABASES: readonly string[] = [AGREED_DATABASE, "template1"];

/**
 * Reads what all databases share in one round trip.
 *
 * @param client a session of the admin in the agreed database
 * @param roles the roles that the plan speaks of
 * @param databases the databases that the plan speaks of
 * @throws BulkheadError `POSTGRES_TOO_OLD`, `POSTGRES_VERSION_DIFFERS` for a server that the plan is not for
 */
export async function readCluster(client: ClientBase, roles: readonly string[], databases: readonly string[], tier: TierFacts): Promise<ObservedCluster> {
  const { versionNumber, ...raw } = await queryCluster(client, roles, databases, tier);
  refuseOtherServer(tier, versionNumber);
  const cluster = { ...raw, databases: raw.databases.map(({ acl, ...database }) => ({ ...database, ...readAcl(acl, "database", database.owner) })) };
  if (!cluster.bookkeeping) return cluster;
  const books = await client.query<{ service: string; database: string; token: string | null }>("SELECT service, database, token FROM bulkhead.compartment ORDER BY service");
  return { ...cluster, compartments: books.rows };
}

async function queryCluster(client: ClientBase, roles: readonly string[], databases: readonly string[], tier: TierFacts): Promise<RawCluster> {
  try {
    const { rows } = await client.query<{ cluster: RawCluster }>(clusterQuery(hasMembershipOptions(tier) ? OPTIONS : OLD_OPTIONS), [roles, databases]);
    return rows[0]!.cluster;
  } catch (error) {
    // 42703 undefined_column: a plan for 16 or newer meets an older server.
    if ((error as { code?: string }).code === "42703") refuseOtherServer(tier, await readVersionNumber(client));
    throw error;
  }
}

async function readVersionNumber(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ version: number }>("SELECT current_setting('server_version_num')::int AS version");
  return rows[0]!.version;
}

/** As the query answers it. `versionNumber` is `server_version_num`: 170004 is 17.4. */
type RawCluster = Omit<ObservedCluster, "databases"> & { readonly versionNumber: number; readonly databases: readonly (Omit<ObservedDatabase, "privileges" | "ownerLacks"> & { readonly acl: string[] | null })[] };

/** `inherit`, `set` and `revocable` of a membership. */
const OPTIONS = "'inherit', am.inherit_option, 'set', am.set_option, 'revocable', pg_has_role(current_user, am.grantor, 'USAGE')";
/** The same before version 16. */
const OLD_OPTIONS = "'inherit', m.rolinherit, 'set', true, 'revocable', NOT g.rolsuper";

const clusterQuery = (options: string): string => `
SELECT json_build_object(
  'versionNumber', current_setting('server_version_num')::int,
  'roles', coalesce((SELECT json_agg(json_build_object(
      'name', rolname, 'login', rolcanlogin, 'superuser', rolsuper, 'createdb', rolcreatedb, 'createrole', rolcreaterole, 'inherit', rolinherit,
      'replication', rolreplication, 'bypassrls', rolbypassrls, 'connectionLimit', rolconnlimit, 'validUntil', rolvaliduntil))
    FROM pg_roles WHERE rolname = ANY ($1)), '[]'),
  'memberships', coalesce((SELECT json_agg(json_build_object(
      'role', g.rolname, 'member', m.rolname, 'grantor', pg_get_userbyid(am.grantor),
      'admin', am.admin_option, ${options}))
    FROM pg_auth_members am JOIN pg_roles g ON g.oid = am.roleid JOIN pg_roles m ON m.oid = am.member
    WHERE g.rolname = ANY ($1) OR m.rolname = ANY ($1)), '[]'),
  'settings', coalesce((SELECT json_agg(json_build_object(
      'role', r.rolname, 'database', d.datname, 'name', split_part(c.setting, '=', 1), 'value', substr(c.setting, strpos(c.setting, '=') + 1)))
    FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase
    CROSS JOIN LATERAL unnest(s.setconfig) AS c(setting)
    WHERE r.rolname = ANY ($1) OR d.datname = ANY ($2)), '[]'),
  'databases', coalesce((SELECT json_agg(json_build_object(
      'name', d.datname, 'owner', pg_get_userbyid(d.datdba), 'connectionLimit', d.datconnlimit, 'allowConnections', d.datallowconn,
      'isTemplate', d.datistemplate, 'acl', d.datacl::text[], 'ownedByAdmin', pg_has_role(current_user, d.datdba, 'USAGE')))
    FROM pg_database d WHERE d.datname <> 'template0'), '[]'),
  'bookkeeping', to_regclass('bulkhead.compartment') IS NOT NULL,
  'compartments', '[]'::json
) AS cluster`;

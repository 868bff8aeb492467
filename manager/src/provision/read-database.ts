import type { ClientBase } from "pg";

import type { ObservedDatabaseContents } from "./observed";
import { privilegesJson } from "./read-cluster";

/**
 * Reads everything inside one database that the plan speaks of, in one round trip. Objects that belong to an extension are the
 * extension's business and are left out.
 *
 * @param client a session of the admin in that database
 */
export async function readDatabase(client: ClientBase): Promise<ObservedDatabaseContents> {
  const { rows } = await client.query<{ contents: ObservedDatabaseContents }>(DATABASE_QUERY);
  return rows[0]!.contents;
}

const notOfExtension = (catalog: string, oid: string): string =>
  `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${catalog}'::regclass AND e.objid = ${oid} AND e.deptype = 'e')`;

const DATABASE_QUERY = `
WITH scope AS MATERIALIZED (
  SELECT oid, nspname, nspowner, nspacl FROM pg_namespace
  WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'extensions'
)
SELECT jsonb_build_object(
  'schemas', coalesce((SELECT jsonb_agg(jsonb_build_object('name', nspname, 'owner', pg_get_userbyid(nspowner), 'privileges', ${privilegesJson("nspacl", "n", "nspowner")}) ORDER BY nspname)
    FROM scope WHERE ${notOfExtension("pg_namespace", "scope.oid")}), '[]'),
  'defaultPrivileges', coalesce((SELECT jsonb_agg(jsonb_build_object(
      'role', pg_get_userbyid(d.defaclrole), 'schema', n.nspname,
      'objectType', CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END,
      'privileges', coalesce((SELECT jsonb_agg(jsonb_build_object(
          'grantee', CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END,
          'grantor', pg_get_userbyid(a.grantor), 'privilege', a.privilege_type, 'grantable', a.is_grantable))
        FROM aclexplode(d.defaclacl) a WHERE a.grantee <> d.defaclrole), '[]')))
    FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace), '[]'),
  'objects', coalesce((SELECT jsonb_agg(o ORDER BY o->>'schema', o->>'identity') FROM (
      SELECT jsonb_build_object('schema', s.nspname, 'identity', format('%I.%I', s.nspname, c.relname), 'owner', pg_get_userbyid(c.relowner),
        'kind', CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' ELSE 'table' END,
        'privileges', CASE c.relkind WHEN 'S' THEN ${privilegesJson("c.relacl", "s", "c.relowner")} ELSE ${privilegesJson("c.relacl", "r", "c.relowner")} END)
      FROM pg_class c JOIN scope s ON s.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND ${notOfExtension("pg_class", "c.oid")}
    UNION ALL
      SELECT jsonb_build_object('schema', s.nspname, 'identity', format('%I.%I(%s)', s.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), 'owner', pg_get_userbyid(p.proowner),
        'kind', CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
        'privileges', ${privilegesJson("p.proacl", "f", "p.proowner")})
      FROM pg_proc p JOIN scope s ON s.oid = p.pronamespace WHERE ${notOfExtension("pg_proc", "p.oid")}
    UNION ALL
      SELECT jsonb_build_object('schema', s.nspname, 'identity', format('%I.%I', s.nspname, t.typname), 'owner', pg_get_userbyid(t.typowner),
        'kind', CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, 'privileges', '[]'::jsonb)
      FROM pg_type t JOIN scope s ON s.oid = t.typnamespace
      WHERE t.typtype IN ('d', 'e', 'r', 'c') AND (t.typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c')) AND ${notOfExtension("pg_type", "t.oid")}
    ) AS found(o)), '[]'),
  'columnPrivileges', coalesce((SELECT jsonb_agg(jsonb_build_object('schema', s.nspname, 'table', c.relname, 'column', a.attname,
      'grantee', CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END,
      'grantor', pg_get_userbyid(x.grantor), 'privilege', x.privilege_type, 'grantable', x.is_grantable))
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN scope s ON s.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(a.attacl) x
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND x.grantee <> c.relowner), '[]'),
  'extensions', coalesce((SELECT jsonb_agg(extname ORDER BY extname) FROM pg_extension), '[]'),
  'statementsFunction', (SELECT p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'bulkhead' AND p.proname = 'own_statements' AND p.prosecdef)
) AS contents`;

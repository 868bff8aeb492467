import type { Client, QueryResult } from "pg";

/** A table as the session sees it. */
export interface TableFacts {
  readonly schema: string;
  readonly name: string;
  readonly kind: "table" | "view";
  /** Columns that an INSERT or UPDATE may name: neither generated nor GENERATED ALWAYS AS IDENTITY. */
  readonly columns: readonly string[];
  /** Of the privileges that go beyond reading and writing rows, those that the session's role has: TRUNCATE, REFERENCES, TRIGGER and, from version 17 on, MAINTAIN. */
  readonly furtherPrivileges: readonly string[];
}

/** What a session says of itself and of what it can see. */
export interface SessionFacts {
  readonly sessionUser: string;
  readonly currentUser: string;
  readonly database: string;
  /** The server's port at the session's other end; null for a Unix socket. */
  readonly port: number | null;
  /** Protocol of the session's TLS, e.g. `TLSv1.3`; null where it has none. */
  readonly tlsVersion: string | null;
  /** Values as SHOW gives them, by name; null where the server does not know the setting. */
  readonly settings: Readonly<Record<string, string | null>>;
  /** Of the privileges on a table those that go beyond reading and writing rows, as far as the server's version knows them. */
  readonly furtherPrivileges: readonly string[];
  /** Every role of the server. `inherits`: the session has its rights as it stands. */
  readonly roles: readonly { readonly name: string; readonly inherits: boolean }[];
  readonly schemas: readonly string[];
  readonly tables: readonly TableFacts[];
  /** `mayAdvance`: the session's role may call nextval. */
  readonly sequences: readonly { readonly identity: string; readonly mayAdvance: boolean }[];
  /** SECURITY DEFINER functions that pin no search_path, as ALTER ROUTINE wants them. */
  readonly unpinnedFunctions: readonly { readonly identity: string; readonly owner: string }[];
  readonly definerFunctionCount: number;
  /** Sessions of other roles, and those among them whose query text is shown. */
  readonly otherSessions: number;
  readonly readableSessions: readonly string[];
}

/**
 * Asks a session everything that needs no attempt, in two round trips.
 *
 * @param settings the settings whose values are wanted
 */
export async function readSessionFacts(client: Client, settings: readonly string[]): Promise<SessionFacts> {
  const { rows } = await client.query<{ facts: Omit<SessionFacts, "tlsVersion"> }>(FACTS_QUERY, [settings]);
  return { ...rows[0]!.facts, tlsVersion: await readTlsVersion(client) };
}

/** A session may read its own row of pg_stat_ssl as the role that logged in: the migrator acts as another one. */
async function readTlsVersion(client: Client): Promise<string | null> {
  const script = "BEGIN; SET LOCAL ROLE NONE; SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl; ROLLBACK";
  // node-postgres gives an array for a message of several statements; its types do not know that.
  const results = (await client.query(script)) as unknown as QueryResult<{ version: string }>[];
  return results[2]!.rows[0]?.version ?? null;
}

/** The schemas in which a service's own objects are; what extensions bring along is theirs. */
const OWN_SCHEMA = "n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'extensions')";

const FACTS_QUERY = `
WITH further AS (SELECT CASE WHEN current_setting('server_version_num')::int >= 170000 THEN '{TRUNCATE,REFERENCES,TRIGGER,MAINTAIN}' ELSE '{TRUNCATE,REFERENCES,TRIGGER}' END::text[] AS privileges)
SELECT jsonb_build_object(
  'furtherPrivileges', (SELECT privileges FROM further),
  'sessionUser', session_user, 'currentUser', current_user, 'database', current_database(), 'port', inet_server_port(),
  'settings', (SELECT coalesce(jsonb_object_agg(s, current_setting(s, true)), '{}') FROM unnest($1::text[]) s),
  'roles', (SELECT jsonb_agg(jsonb_build_object('name', rolname, 'inherits', pg_has_role(session_user, oid, 'USAGE')) ORDER BY rolname) FROM pg_roles),
  'schemas', (SELECT jsonb_agg(nspname ORDER BY nspname) FROM pg_namespace n WHERE nspname = 'extensions' OR ${OWN_SCHEMA}),
  'tables', (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'schema', n.nspname, 'name', c.relname, 'kind', CASE WHEN c.relkind IN ('r', 'p') THEN 'table' ELSE 'view' END,
      'columns', (SELECT coalesce(jsonb_agg(a.attname ORDER BY a.attnum), '[]') FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a'),
      'furtherPrivileges', (SELECT coalesce(jsonb_agg(p), '[]') FROM further, unnest(privileges) p
        WHERE c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, p))) ORDER BY n.nspname, c.relname), '[]')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm') AND ${OWN_SCHEMA}
      AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')),
  'sequences', (SELECT coalesce(jsonb_agg(jsonb_build_object('identity', format('%I.%I', n.nspname, c.relname), 'mayAdvance', has_sequence_privilege(c.oid, 'USAGE, UPDATE'))), '[]')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND n.nspname <> 'migrations' AND ${OWN_SCHEMA}),
  'unpinnedFunctions', (SELECT coalesce(jsonb_agg(jsonb_build_object('identity', format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), 'owner', pg_get_userbyid(p.proowner))), '[]')
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.prosecdef AND ${OWN_SCHEMA} AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c(setting) WHERE c.setting LIKE 'search\\_path=%')),
  'definerFunctionCount', (SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prosecdef AND ${OWN_SCHEMA}),
  'otherSessions', (SELECT count(*) FROM pg_stat_activity WHERE usename <> session_user),
  'readableSessions', (SELECT coalesce(jsonb_agg(DISTINCT usename), '[]') FROM pg_stat_activity
    WHERE usename <> session_user AND query <> '' AND query <> '<insufficient privilege>')
) AS facts`;

import type { ClientBase } from "pg";

import { HISTORY_TABLE } from "../migrate/history";
import { readDatabase } from "../provision/read-database";
import type { FoundContents } from "./observed";

/** Reads what is in the database of this session. @param client a session of a superuser with an empty search_path */
export async function readContents(client: ClientBase): Promise<FoundContents> {
  const { rows } = await client.query<{ contents: Omit<FoundContents, "privileges" | "history"> & { historyExists: boolean } }>(CONTENTS_QUERY);
  const { historyExists, ...contents } = rows[0]!.contents;
  const privileges = await readDatabase(client);
  const isOurs = historyExists && !contents.foreignHistory;
  const history = isOurs ? (await client.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${HISTORY_TABLE}`)).rows[0]!.count : null;
  return { ...contents, privileges, history };
}

/** What Postgres itself brings along has a smaller oid (FirstNormalObjectId in access/transam.h). */
const FIRST_USER_OID = 16_384;

interface OwnedKind {
  readonly catalog: string;
  /** SQL: as ALTER names the kind. */
  readonly kind: string;
  /** Prefix of its columns, as in `relname`, `relnamespace`, `relowner`. */
  readonly prefix: string;
  /** SQL: which rows count. */
  readonly where?: string;
  /** It is in no schema. */
  readonly global?: boolean;
  readonly ofSuperuser?: string;
  readonly identity?: string;
  readonly runsAsOwner?: string;
  readonly rowSecurity?: string;
}

const identified = (catalog: string): string => `(pg_identify_object('pg_catalog.${catalog}'::regclass, o.oid, 0)).identity`;

/**
 * Every catalog whose rows have an owner, but for databases, tablespaces, extensions and large objects. What follows another object's owner is left out: indexes,
 * row types of tables, arrays, multiranges, sequences that belong to a column.
 */
const OWNED: readonly OwnedKind[] = [
  { catalog: "pg_namespace", kind: "'SCHEMA'", prefix: "nsp", global: true, where: `nspname !~ '^pg_' AND nspname <> 'information_schema'` },
  {
    catalog: "pg_class",
    kind: "CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END",
    prefix: "rel",
    where: `(relkind IN ('r', 'p', 'v', 'm', 'f') OR relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = o.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')))`,
    rowSecurity: "relrowsecurity AND NOT relforcerowsecurity",
  },
  {
    catalog: "pg_proc",
    kind: "'ROUTINE'",
    prefix: "pro",
    // With the modes of its arguments: by their types alone a procedure need not be found.
    identity: "format('%I.%I(%s)', n.nspname, proname, pg_get_function_identity_arguments(o.oid))",
    runsAsOwner: "prosecdef",
  },
  {
    catalog: "pg_type",
    kind: "CASE typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END",
    prefix: "typ",
    where: `(typtype IN ('d', 'e', 'r') OR typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = o.oid) OR typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = typrelid AND c.relkind = 'c'))`,
    ofSuperuser: "typtype = 'b'",
  },
  { catalog: "pg_operator", kind: "'OPERATOR'", prefix: "opr" },
  { catalog: "pg_opclass", kind: "'OPERATOR CLASS'", prefix: "opc" },
  { catalog: "pg_opfamily", kind: "'OPERATOR FAMILY'", prefix: "opf" },
  { catalog: "pg_conversion", kind: "'CONVERSION'", prefix: "con" },
  { catalog: "pg_collation", kind: "'COLLATION'", prefix: "coll" },
  { catalog: "pg_statistic_ext", kind: "'STATISTICS'", prefix: "stx" },
  { catalog: "pg_ts_config", kind: "'TEXT SEARCH CONFIGURATION'", prefix: "cfg" },
  { catalog: "pg_ts_dict", kind: "'TEXT SEARCH DICTIONARY'", prefix: "dict" },
  { catalog: "pg_foreign_server", kind: "'SERVER'", prefix: "srv", global: true },
  { catalog: "pg_foreign_data_wrapper", kind: "'FOREIGN DATA WRAPPER'", prefix: "fdw", global: true, ofSuperuser: "true" },
  { catalog: "pg_language", kind: "'LANGUAGE'", prefix: "lan", global: true, ofSuperuser: "true" },
  { catalog: "pg_event_trigger", kind: "'EVENT TRIGGER'", prefix: "evt", global: true, ofSuperuser: "true" },
  { catalog: "pg_publication", kind: "'PUBLICATION'", prefix: "pub", global: true, ofSuperuser: "puballtables OR EXISTS (SELECT FROM pg_publication_namespace p WHERE p.pnpubid = o.oid)" },
  { catalog: "pg_subscription", kind: "'SUBSCRIPTION'", prefix: "sub", global: true, where: "subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())", ofSuperuser: "true" },
];

function ownedSql({ catalog, kind, prefix, where = "true", global = false, ofSuperuser = "false", identity = identified(catalog), runsAsOwner = "false", rowSecurity = "false" }: OwnedKind): string {
  return `
    SELECT ${kind} AS kind, ${identity} AS identity, pg_get_userbyid(${prefix}owner) AS owner, ${global ? "NULL" : "n.nspname"}::text AS schema, ${ofSuperuser} AS "ofSuperuser", ${runsAsOwner} AS "runsAsOwner", ${rowSecurity} AS "rowSecurity"
    FROM pg_catalog.${catalog} o ${global ? "" : `JOIN pg_namespace n ON n.oid = ${prefix}namespace AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`}
    WHERE (o.oid >= ${FIRST_USER_OID}${catalog === "pg_namespace" ? " OR nspname = 'public'" : ""}) AND ${where}
      AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_catalog.${catalog}'::regclass AND e.objid = o.oid AND e.deptype = 'e')`;
}

const CONTENTS_QUERY = `
SELECT json_build_object(
  'objects', coalesce((SELECT json_agg(to_json(found) ORDER BY kind, identity) FROM (${OWNED.map(ownedSql).join(" UNION ALL ")}) found), '[]'),
  'largeObjects', coalesce((SELECT json_agg(to_json(lo)) FROM (SELECT pg_get_userbyid(lomowner) AS owner, count(*)::int AS count FROM pg_largeobject_metadata GROUP BY lomowner) lo), '[]'),
  'extensions', coalesce((SELECT json_agg(json_build_object(
      'name', extname, 'schema', n.nspname, 'owner', pg_get_userbyid(extowner), 'version', extversion, 'newest', (SELECT default_version FROM pg_available_extensions a WHERE a.name = extname)) ORDER BY extname)
    FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace), '[]'),
  'eventTriggers', coalesce((SELECT json_agg(quote_ident(evtname) ORDER BY evtname) FROM pg_event_trigger t
    WHERE evtenabled <> 'D' AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_event_trigger'::regclass AND e.objid = t.oid AND e.deptype = 'e')), '[]'),
  'historyExists', to_regclass('${HISTORY_TABLE}') IS NOT NULL,
  'foreignHistory', to_regclass('${HISTORY_TABLE}') IS NOT NULL AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('${HISTORY_TABLE}') AND attname = 'done_checksum')
) AS contents`;

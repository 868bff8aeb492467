import type { ClientBase } from "pg";

import { parseAcl, readAcl } from "../postgres/acl";
import type { ObjectKind, ObservedDatabaseContents, ObservedDefaultPrivileges, ObservedExtensionGrants, ObservedObject } from "./observed";

/**
 * Reads everything inside one database that the plan speaks of, in one round trip. Objects that belong to an extension are the
 * extension's business and are left out.
 *
 * @param client a session of the admin in that database
 */
export async function readDatabase(client: ClientBase): Promise<ObservedDatabaseContents> {
  const { rows } = await client.query<{ contents: RawContents }>(DATABASE_QUERY);
  return observe(rows[0]!.contents);
}

/** Schema that extensions are made in; closed to all but `bulkhead_monitor`. */
const EXTENSIONS_SCHEMA = "extensions";

/** What Postgres itself brings along has a smaller oid (FirstNormalObjectId in access/transam.h), so its oid indexes pass over thousands of rows. */
const FIRST_USER_OID = 16_384;
/** Extensions that were made by `postgres --single`, as in the local server's template, have oids from here on (FirstUnpinnedObjectId in the same file). */
const FIRST_EXTENSION_OID = 12_000;

function inReach(namespaceColumn: string): string {
  return `oid >= ${FIRST_EXTENSION_OID} AND (oid >= ${FIRST_USER_OID} OR ${namespaceColumn} = to_regnamespace('${EXTENSIONS_SCHEMA}'))`;
}

/**
 * One scan a catalog and no joins; what belongs together is put together below. The query runs once in a session, so planning and first
 * look-ups in the catalogs are most of what it costs: with joins, `aclexplode()` and names on every field it took three times as long.
 */
const DATABASE_QUERY = `
SELECT json_build_object(
  'schemas', (SELECT json_agg(json_build_array(oid, nspname, quote_ident(nspname), pg_get_userbyid(nspowner), nspacl::text[])) FROM pg_namespace),
  'members', (SELECT json_agg(objid) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND objid >= ${FIRST_USER_OID}),
  'defaults', (SELECT json_agg(json_build_array(pg_get_userbyid(defaclrole), defaclnamespace, defaclobjtype, defaclacl::text[])) FROM pg_default_acl),
  'relations', (SELECT json_agg(json_build_array(oid, relnamespace, relname, quote_ident(relname), pg_get_userbyid(relowner), relkind, relacl::text[]))
    FROM pg_class WHERE ${inReach("relnamespace")} AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')),
  'routines', (SELECT json_agg(json_build_array(oid, pronamespace, quote_ident(proname),
      CASE WHEN pronamespace = to_regnamespace('${EXTENSIONS_SCHEMA}') THEN oidvectortypes(proargtypes) ELSE pg_get_function_identity_arguments(oid) END, pg_get_userbyid(proowner), prokind, proacl::text[],
      CASE WHEN proname = 'own_statements' AND prosecdef THEN prosrc END))
    FROM pg_proc WHERE ${inReach("pronamespace")}),
  'types', (SELECT json_agg(json_build_array(oid, typnamespace, quote_ident(typname), pg_get_userbyid(typowner), typtype, typrelid))
    FROM pg_type WHERE oid >= ${FIRST_USER_OID} AND typtype IN ('d', 'e', 'r', 'c')),
  'columns', (SELECT json_agg(json_build_array(attrelid, attname, attacl::text[]))
    FROM pg_attribute WHERE attrelid >= ${FIRST_USER_OID} AND attacl IS NOT NULL AND NOT attisdropped),
  'extensions', (SELECT json_agg(extname ORDER BY extname) FROM pg_extension)
) AS contents`;

type Acl = string[] | null;
/** JSON has it as text. */
type Oid = string;

/** As the query answers it: arrays, with oids where another entry is meant. A list without entries is null. */
interface RawContents {
  schemas: [oid: Oid, name: string, quotedName: string, owner: string, acl: Acl][];
  /** Objects that belong to an extension. Oids are unique within a catalog only, and those of user objects are given out by one counter. */
  members: Oid[] | null;
  defaults: [role: string, schema: Oid, type: string, acl: string[]][] | null;
  relations: [oid: Oid, schema: Oid, name: string, quotedName: string, owner: string, relkind: string, acl: Acl][] | null;
  routines: [oid: Oid, schema: Oid, quotedName: string, args: string, owner: string, prokind: string, acl: Acl, source: string | null][] | null;
  types: [oid: Oid, schema: Oid, quotedName: string, owner: string, typtype: string, relation: Oid][] | null;
  columns: [relation: Oid, name: string, acl: string[]][] | null;
  extensions: string[] | null;
}

const RELATION_KINDS: Readonly<Record<string, ObjectKind>> = { r: "table", p: "table", v: "view", m: "materialized view", S: "sequence", f: "foreign table" };
const ROUTINE_KINDS: Readonly<Record<string, ObjectKind>> = { f: "function", w: "function", p: "procedure", a: "aggregate" };
const DEFAULT_TYPES: Readonly<Record<string, ObservedDefaultPrivileges["objectType"]>> = { r: "TABLES", S: "SEQUENCES", f: "FUNCTIONS", T: "TYPES", n: "SCHEMAS" };

function observe(raw: RawContents): ObservedDatabaseContents {
  const members = new Set(raw.members);
  const namespaces = new Map(raw.schemas.map(([oid, name, quotedName]) => [oid, { name, quotedName }]));
  const inScope = new Set(raw.schemas.filter(([oid, name]) => isInScope(name) && !members.has(oid)).map(([oid]) => oid));
  const relations = (raw.relations ?? []).filter(([oid, schema]) => inScope.has(schema) && !members.has(oid));
  const routines = (raw.routines ?? []).filter(([oid, schema]) => inScope.has(schema) && !members.has(oid));
  const composites = new Set(relations.filter(([, , , , , relkind]) => relkind === "c").map(([oid]) => oid));
  const namesOf = (schema: Oid, quotedName: string): { schema: string; identity: string } => ({ schema: namespaces.get(schema)!.name, identity: `${namespaces.get(schema)!.quotedName}.${quotedName}` });

  const objects: ObservedObject[] = [
    ...relations.flatMap(([, schema, , quotedName, owner, relkind, acl]): ObservedObject[] => {
      const kind = RELATION_KINDS[relkind];
      return kind === undefined ? [] : [{ ...namesOf(schema, quotedName), kind, owner, ...readAcl(acl, kind === "sequence" ? "sequence" : "relation", owner) }];
    }),
    ...routines.map(([, schema, quotedName, args, owner, prokind, acl]) => ({ ...namesOf(schema, `${quotedName}(${args})`), kind: ROUTINE_KINDS[prokind]!, owner, ...readAcl(acl, "routine", owner) })),
    ...(raw.types ?? [])
      // Every table has a composite type, which follows its table.
      .filter(([oid, schema, , , typtype, relation]) => inScope.has(schema) && !members.has(oid) && (typtype !== "c" || composites.has(relation)))
      .map(([, schema, quotedName, owner, typtype]): ObservedObject => ({ ...namesOf(schema, quotedName), kind: typtype === "d" ? "domain" : "type", owner, privileges: [], ownerLacks: [] })),
  ];
  const relationByOid = new Map(relations.map(([oid, schema, name, , owner]) => [oid, { schema: namespaces.get(schema)!.name, table: name, owner }]));

  return {
    schemas: raw.schemas.filter(([oid]) => inScope.has(oid)).map(([, name, , owner, acl]) => ({ name, owner, ...readAcl(acl, "schema", owner) })).sort((a, b) => compare(a.name, b.name)),
    defaultPrivileges: (raw.defaults ?? []).map(([role, schema, type, acl]) => ({
      role,
      schema: schema === "0" ? null : namespaces.get(schema)!.name,
      objectType: DEFAULT_TYPES[type]!,
      privileges: parseAcl(acl).filter(({ grantee }) => grantee !== role),
    })),
    objects: objects.sort((a, b) => compare(a.schema, b.schema) || compare(a.identity, b.identity)),
    columnPrivileges: (raw.columns ?? []).flatMap(([relation, column, acl]) => {
      const found = relationByOid.get(relation);
      return found === undefined ? [] : readAcl(acl, "relation", found.owner).privileges.map((entry) => ({ ...entry, schema: found.schema, table: found.table, column }));
    }),
    extensions: raw.extensions ?? [],
    extensionGrants: extensionGrants(raw),
    statementsFunction: routines.find(([, schema, , , , , , source]) => source !== null && namespaces.get(schema)!.name === "bulkhead")?.[7] ?? null,
  };
}

function extensionGrants(raw: RawContents): ObservedExtensionGrants[] {
  const schema = raw.schemas.find(([, name]) => name === EXTENSIONS_SCHEMA);
  if (schema === undefined) return [];
  const [oid, name, , owner, acl] = schema;
  const relations = (raw.relations ?? []).filter(([, namespace, , , , relkind]) => namespace === oid && relkind !== "c");
  const routines = (raw.routines ?? []).filter(([, namespace]) => namespace === oid);
  const granted: ObservedExtensionGrants[] = [
    { target: `SCHEMA ${name}`, owner, privileges: readAcl(acl, "schema", owner).privileges },
    ...relations.map(([, , , quotedName, of, relkind, list]) => ({ target: `${relkind === "S" ? "SEQUENCE" : "TABLE"} ${name}.${quotedName}`, owner: of, privileges: readAcl(list, "relation", of).privileges })),
    ...routines.map(([, , quotedName, args, of, , list]) => ({ target: `ROUTINE ${name}.${quotedName}(${args})`, owner: of, privileges: readAcl(list, "routine", of).privileges })),
  ];
  return granted.sort((a, b) => compare(a.target, b.target));
}

function isInScope(schema: string): boolean {
  return schema !== "information_schema" && schema !== EXTENSIONS_SCHEMA && !schema.startsWith("pg_");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

import type { AclEntry } from "../postgres/acl";

/** What is really there, as read from the catalogs: plain data, in the shape that the diff wants. */

/** One entry of an ACL that is not the owner's own. */
export type Privilege = AclEntry;

export interface ObservedRole {
  readonly name: string;
  readonly login: boolean;
  readonly superuser: boolean;
  readonly createdb: boolean;
  readonly createrole: boolean;
  /** Before version 16: the role has the rights of those that it is a member of without SET ROLE. */
  readonly inherit: boolean;
  readonly replication: boolean;
  readonly bypassrls: boolean;
  readonly connectionLimit: number;
  /** `VALID UNTIL`, which stops logins when it is over; null where there is none. */
  readonly validUntil: string | null;
}

export interface ObservedMembership {
  readonly role: string;
  readonly member: string;
  readonly grantor: string;
  readonly admin: boolean;
  /** Before version 16: that of the member, and `set` is true. */
  readonly inherit: boolean;
  readonly set: boolean;
  /** The admin may take it back: it has the grantor's rights; before version 16: the role is no superuser. */
  readonly revocable: boolean;
}

/** One setting of `ALTER ROLE … [IN DATABASE …] SET` or `ALTER DATABASE … SET`. */
export interface ObservedSetting {
  /** null: of the database, for every role. */
  readonly role: string | null;
  /** null: of the role, in every database. */
  readonly database: string | null;
  readonly name: string;
  readonly value: string;
}

export interface ObservedDatabase {
  readonly name: string;
  readonly owner: string;
  readonly connectionLimit: number;
  readonly allowConnections: boolean;
  readonly isTemplate: boolean;
  readonly privileges: readonly Privilege[];
  /** Privileges that somebody took from the owner. */
  readonly ownerLacks: readonly string[];
  /** The admin has the owner's rights as it stands, without SET ROLE. */
  readonly ownedByAdmin: boolean;
}

/** Everything that all databases of the server share, read in one query. */
export interface ObservedCluster {
  /** Of the asked roles those that exist. */
  readonly roles: readonly ObservedRole[];
  /** Every membership in which an asked role stands on either side. */
  readonly memberships: readonly ObservedMembership[];
  /** Every setting of an asked role or an asked database. */
  readonly settings: readonly ObservedSetting[];
  /** Every database of the server, but for the templates that nobody can connect to. */
  readonly databases: readonly ObservedDatabase[];
  /** What the bookkeeping table says was provisioned. */
  readonly compartments: readonly ObservedCompartment[];
  /** Whether the bookkeeping table is there. */
  readonly bookkeeping: boolean;
}

/** A row of the bookkeeping table `bulkhead.compartment` in the agreed database. */
export interface ObservedCompartment {
  readonly service: string;
  readonly database: string;
  /** Changes with every setup that did something; part of the anchor's input. Null until the first one ended well. */
  readonly token: string | null;
}

/** What kind of object: as `pg_class.relkind`, with functions and types beside. */
export type ObjectKind = "table" | "view" | "materialized view" | "sequence" | "foreign table" | "function" | "procedure" | "aggregate" | "type" | "domain";

export interface ObservedObject {
  readonly schema: string;
  /** Name; for functions with the argument types, as `ALTER FUNCTION` wants it. Both parts are quoted where they need it. */
  readonly identity: string;
  readonly kind: ObjectKind;
  readonly owner: string;
  readonly privileges: readonly Privilege[];
  readonly ownerLacks: readonly string[];
}

export interface ObservedSchema {
  readonly name: string;
  readonly owner: string;
  readonly privileges: readonly Privilege[];
  readonly ownerLacks: readonly string[];
}

/** A row of `pg_default_acl`; `schema` null is for all schemas. */
export interface ObservedDefaultPrivileges {
  readonly role: string;
  readonly schema: string | null;
  readonly objectType: "TABLES" | "SEQUENCES" | "FUNCTIONS" | "TYPES" | "SCHEMAS";
  readonly privileges: readonly Privilege[];
}

/** The schema that extensions are in, or something in it. */
export interface ObservedExtensionGrants {
  /** As GRANT names it: `SCHEMA extensions`, `TABLE extensions.pg_stat_statements`, `ROUTINE extensions.pg_stat_statements(boolean)`. */
  readonly target: string;
  readonly owner: string;
  readonly privileges: readonly Privilege[];
}

export interface ObservedColumnPrivilege extends Privilege {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
}

/** Everything inside one database that the plan speaks of. */
export interface ObservedDatabaseContents {
  readonly schemas: readonly ObservedSchema[];
  readonly defaultPrivileges: readonly ObservedDefaultPrivileges[];
  readonly objects: readonly ObservedObject[];
  readonly columnPrivileges: readonly ObservedColumnPrivilege[];
  readonly extensions: readonly string[];
  /** The schema `extensions` and every relation and routine in it: what is granted there. */
  readonly extensionGrants: readonly ObservedExtensionGrants[];
  /** Source text of the function behind `bulkhead.statements`, or null. */
  readonly statementsFunction: string | null;
}

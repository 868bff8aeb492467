import { BulkheadError } from "../errors/bulkhead-error";

/** One privilege of an access control list. */
export interface AclEntry {
  /** A role's name, or `PUBLIC`. */
  readonly grantee: string;
  readonly grantor: string;
  /** As GRANT spells it, e.g. `SELECT`. */
  readonly privilege: string;
  /** WITH GRANT OPTION. */
  readonly grantable: boolean;
}

/** PostgreSQL documentation, table 5.1 "ACL Privilege Abbreviations" (version 17). */
const PRIVILEGES: Readonly<Record<string, string>> = {
  r: "SELECT",
  a: "INSERT",
  w: "UPDATE",
  d: "DELETE",
  D: "TRUNCATE",
  x: "REFERENCES",
  t: "TRIGGER",
  m: "MAINTAIN",
  X: "EXECUTE",
  U: "USAGE",
  C: "CREATE",
  c: "CONNECT",
  T: "TEMPORARY",
  s: "SET",
  A: "ALTER SYSTEM",
};

/** What an object without an ACL gives to others than its owner (same documentation, table 5.2). */
const BUILT_IN: Readonly<Record<AclObject, readonly string[]>> = { database: ["CONNECT", "TEMPORARY"], schema: [], relation: [], sequence: [], routine: ["EXECUTE"] };

/** What an owner has of its own object (table 5.2 again), but for MAINTAIN, which servers before version 17 do not know. */
const OF_OWNER: Readonly<Record<AclObject, readonly string[]>> = {
  database: ["CREATE", "CONNECT", "TEMPORARY"],
  schema: ["USAGE", "CREATE"],
  relation: ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"],
  sequence: ["SELECT", "USAGE", "UPDATE"],
  routine: ["EXECUTE"],
};

/** Kinds of objects that have a built-in default ACL of their own. */
export type AclObject = "database" | "schema" | "relation" | "sequence" | "routine";

/** An ACL as the plan looks at it. */
export interface ReadAcl {
  /** Privileges of others than the owner: from the ACL, or where there is none (null) from Postgres' built-in default for the kind. */
  readonly privileges: readonly AclEntry[];
  /** What somebody took from the owner itself, which without an ACL has everything. */
  readonly ownerLacks: readonly string[];
}

/** A name is quoted where it holds anything but letters, digits and underscores, with quotes in it doubled. */
const ACL_ITEM = /^("(?:[^"]|"")*"|[^"=]*)=([A-Za-z*]*)\/("(?:[^"]|"")*"|[^"=]*)$/;

/**
 * Reads the items of an `aclitem[]`, such as `auth_app=arwd/auth_owner`. Parsed here, since `aclexplode()` once an object makes the
 * query that reads a whole database three times as slow.
 *
 * @throws BulkheadError `ACL_UNREADABLE` for what this version of Postgres does not write
 */
export function parseAcl(items: readonly string[]): AclEntry[] {
  return items.flatMap((item) => {
    const match = ACL_ITEM.exec(item);
    if (match === null) throw unreadable(item);
    const [, grantee = "", letters = "", grantor = ""] = match;
    return [...letters.matchAll(/([A-Za-z])(\*?)/g)].map(([, letter = "", star]) => {
      const privilege = PRIVILEGES[letter];
      if (privilege === undefined) throw unreadable(item);
      return { grantee: grantee === "" ? "PUBLIC" : unquote(grantee), grantor: unquote(grantor), privilege, grantable: star === "*" };
    });
  });
}

/** @throws BulkheadError `ACL_UNREADABLE` */
export function readAcl(acl: readonly string[] | null, kind: AclObject, owner: string): ReadAcl {
  if (acl === null) return { privileges: BUILT_IN[kind].map((privilege) => ({ grantee: "PUBLIC", grantor: owner, privilege, grantable: false })), ownerLacks: [] };
  const entries = parseAcl(acl);
  return {
    privileges: entries.filter(({ grantee }) => grantee !== owner),
    ownerLacks: OF_OWNER[kind].filter((privilege) => !entries.some((entry) => entry.grantee === owner && entry.privilege === privilege)),
  };
}

function unquote(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

function unreadable(item: string): BulkheadError {
  return new BulkheadError("ACL_UNREADABLE", `the access privilege ${JSON.stringify(item)} is none that PostgreSQL 17 knows`, { hint: "the server is of a newer version than Bulkhead knows: update Bulkhead" });
}

import { BulkheadError } from "../errors/bulkhead-error";

/** A service in ClickHouse: a user, with one database of its own. */
export interface ClickHouseUser {
  /** Name of the user, and of its quota: the service's. */
  readonly name: string;
  /** Its database. */
  readonly database: string;
}

/** What every server has of its own. */
const RESERVED = ["default", "system", "information_schema"];

/** By a service's name; hyphens become underscores, as in Postgres. */
export function clickHouseUser(service: string): ClickHouseUser {
  const name = service.replaceAll("-", "_");
  return { name, database: name };
}

/**
 * A user's name, which is an XML element in the server's files. The catalog's names pass; all others are refused, since an element's name cannot be escaped.
 *
 * @throws BulkheadError `CLICKHOUSE_NAME`
 */
export function elementName(name: string): string {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name) || RESERVED.includes(name)) throw new BulkheadError("CLICKHOUSE_NAME", `${JSON.stringify(name)} cannot be the name of a ClickHouse user`, { hint: "give the service another name in services.ts" });
  return name;
}

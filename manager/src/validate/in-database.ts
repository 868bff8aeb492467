import { quoteIdentifier } from "../postgres/identifier";

/** SQL that belongs into one database, as a person pastes it into psql. */
export function inDatabase(database: string | null, sql: string): string {
  return database === null ? sql : `\\connect ${quoteIdentifier(database)}\n${sql}`;
}

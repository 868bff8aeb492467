import { escapeIdentifier, escapeLiteral } from "pg";

import { IDENTIFIER_MAX_BYTES } from "../catalog/names";
import { BulkheadError } from "../errors/bulkhead-error";

/**
 * A name quoted for SQL. Postgres answers a NUL with a protocol error, an empty name with a syntax error, and cuts a name of 64 bytes
 * silently; all three are refused here, before anything is sent.
 *
 * @throws BulkheadError `IDENTIFIER_INVALID`
 */
export function quoteIdentifier(name: string): string {
  const problem = name === "" ? "is empty" : name.includes("\0") ? "holds a NUL character" : Buffer.byteLength(name) > IDENTIFIER_MAX_BYTES ? `is over ${IDENTIFIER_MAX_BYTES} bytes` : undefined;
  if (problem !== undefined) throw new BulkheadError("IDENTIFIER_INVALID", `${JSON.stringify(name)} cannot be a Postgres name: it ${problem}`);
  return escapeIdentifier(name);
}

/**
 * A string quoted for SQL, for the statements that take no parameters (DDL).
 *
 * @throws BulkheadError `LITERAL_INVALID` when it holds a NUL, which no Postgres text can.
 */
export function quoteLiteral(text: string): string {
  if (text.includes("\0")) throw new BulkheadError("LITERAL_INVALID", "a Postgres text cannot hold a NUL character");
  return escapeLiteral(text);
}

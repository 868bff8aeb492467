import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import { shownPath } from "./files";
import { lineOf } from "./split-statements";
import type { Statement } from "./split-statements";

/** What node-postgres gives of an error that the server reported. */
interface ServerError {
  readonly code?: string;
  readonly position?: string;
  readonly hint?: string;
}

/** A statement of a file that failed; `statement` is undefined where the commit did. */
export class StatementFailure extends Error {
  readonly path: string;
  readonly number: number;
  readonly statement: Statement | undefined;

  constructor(path: string, number: number, statement: Statement | undefined, cause: unknown) {
    super(messageOf(cause), { cause });
    this.path = path;
    this.number = number;
    this.statement = statement;
  }

  get code(): string | undefined {
    const code = (this.cause as ServerError).code;
    return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
  }
}

/** SQLSTATEs of a lock that was not to be had in time or a race between two DDL statements: the same again may well work. */
export function isPassing(failure: unknown): boolean {
  if (!(failure instanceof StatementFailure)) return false;
  if (failure.code === "55P03" || failure.code === "40P01") return true;
  return failure.code === "XX000" && /tuple concurrently (updated|deleted)/.test(failure.message);
}

/**
 * Where and why a statement failed, in one line: file, line, number of the statement, Postgres' message, SQLSTATE and hint. Postgres' DETAIL is left
 * out, since it quotes rows.
 */
export function describeFailure({ path, number, statement, cause, code, message }: StatementFailure): string {
  const { hint } = cause as ServerError;
  const where = statement === undefined ? `${shownPath(path)}: the commit` : `${shownPath(path)}:${failingLine(statement, cause as ServerError)}: statement ${number}`;
  return redact(`${where} failed: ${message}${code === undefined ? "" : ` (SQLSTATE ${code})`}${hint === undefined ? "" : `; Postgres hints: ${hint}`}`);
}

/** The error that `migrate` and `rollbackMigration` throw; `stateNow` says what is left behind, `command` what to type when the cause is mended. */
export function migrationFailed(failure: StatementFailure, stateNow: string, command: string): BulkheadError {
  return new BulkheadError("MIGRATION_FAILED", `${describeFailure(failure)}. ${stateNow}`, { hint: `${mend(failure)}, then: ${command}`, cause: failure.cause });
}

function mend({ code, path, statement }: StatementFailure): string {
  switch (code) {
    case undefined:
      return "see that the server runs (npx bulkhead status)";
    case "55P03":
      return "wait until the sessions that hold the lock are done (select * from pg_locks)";
    case "57014":
      return `if the statement needs longer than the role's limit, put "SET statement_timeout = '2h';" first into ${shownPath(path)}`;
    case "25001":
      return `put "-- bulkhead: no-transaction" on the first line of ${shownPath(path)}`;
    case "55P04":
      return "use the new enum value in a later migration than the one that adds it";
    case "42P07":
      return statement?.head.includes("concurrently") === true ? `write IF NOT EXISTS in ${shownPath(path)}` : `mend ${shownPath(path)}`;
    default:
      return `mend ${shownPath(path)}`;
  }
}

function failingLine(statement: Statement, { position }: ServerError): number {
  if (position === undefined) return statement.line;
  // Postgres counts characters, a JavaScript string UTF-16 units.
  const before = [...statement.text].slice(0, Number(position) - 1).join("");
  return statement.line + lineOf(before, before.length) - 1;
}

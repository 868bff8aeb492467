import type { Client } from "pg";
import { quoteIdentifier } from "../postgres/identifier";
import type { MigrationFile } from "./files";

/** Name of the history table, as it is written in SQL. */
export const HISTORY_TABLE = "migrations.history";

/**
 * State of a row: `running` while the statements of a no-transaction migration are sent (what is left of it after a crash too), `rolling_back`
 * the same for a no-transaction rollback.
 */
export type HistoryState = "running" | "applied" | "failed" | "rolling_back";

/** One row of the history. */
export interface HistoryRow {
  readonly version: number;
  readonly name: string;
  /** SHA-256 in hex of the file as it was applied or tried. */
  readonly checksum: string;
  readonly state: HistoryState;
  /** False for one that runs statement by statement, each lasting. */
  readonly transactional: boolean;
  /** How many of its statements have lasted; all of them where it is applied. */
  readonly statementsDone: number;
  /** SHA-256 in hex of the statements that have lasted. */
  readonly doneChecksum: string;
  /** What went wrong, with file and line; null where nothing did. */
  readonly error: string | null;
  /** When it was applied, or last tried. */
  readonly appliedAt: Date;
  /** The login that did. */
  readonly appliedBy: string;
  readonly executionMs: number;
}

interface RawRow extends Omit<HistoryRow, "version"> {
  readonly version: string;
}

const UNDEFINED_TABLE = "42P01";

/** The whole history in one query, lowest version first; empty where there is no table yet. */
export async function readHistory(client: Client): Promise<HistoryRow[]> {
  try {
    const { rows } = await client.query<RawRow>(
      `SELECT version, name, checksum, state, transactional, statements_done AS "statementsDone", done_checksum AS "doneChecksum",
              error, applied_at AS "appliedAt", applied_by AS "appliedBy", execution_ms AS "executionMs"
         FROM ${HISTORY_TABLE} ORDER BY version`,
    );
    return rows.map((row) => ({ ...row, version: Number(row.version) }));
  } catch (error) {
    if ((error as { code?: unknown }).code === UNDEFINED_TABLE) return [];
    throw error;
  }
}

/**
 * Makes the history table, readable by `readers` and writable by its owner only, whatever the owner's default privileges give to others.
 * To be called under the migration lock: IF NOT EXISTS alone does not keep two sessions from failing (23505).
 */
export async function createHistory(client: Client, readers: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ found: boolean }>(`SELECT to_regclass('${HISTORY_TABLE}') IS NOT NULL AS found`);
  if (rows[0]!.found) return;
  const readerList = readers.map(quoteIdentifier).join(", ");
  const grants = readers.length === 0 ? "" : `REVOKE ALL ON ${HISTORY_TABLE} FROM ${readerList}; GRANT USAGE ON SCHEMA migrations TO ${readerList}; GRANT SELECT ON ${HISTORY_TABLE} TO ${readerList};`;
  // Several statements in one message are one transaction.
  await client.query(`
    CREATE SCHEMA IF NOT EXISTS migrations;
    REVOKE ALL ON SCHEMA migrations FROM PUBLIC;
    CREATE TABLE ${HISTORY_TABLE} (
      version bigint PRIMARY KEY CHECK (version > 0),
      name text NOT NULL,
      checksum text NOT NULL,
      state text NOT NULL CHECK (state IN ('running', 'applied', 'failed', 'rolling_back')),
      transactional boolean NOT NULL,
      statements_done integer NOT NULL CHECK (statements_done >= 0),
      done_checksum text NOT NULL,
      error text,
      applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      applied_by text NOT NULL DEFAULT session_user,
      execution_ms integer NOT NULL CHECK (execution_ms >= 0)
    );
    COMMENT ON TABLE ${HISTORY_TABLE} IS 'Migrations of this database, written by bulkhead migrate. Do not edit by hand.';
    REVOKE ALL ON ${HISTORY_TABLE} FROM PUBLIC;
    ${grants}`);
}

/** Writes how far a migration has come; one row a version. */
export async function recordProgress(
  client: Client,
  file: MigrationFile,
  progress: Pick<HistoryRow, "state" | "transactional" | "statementsDone" | "doneChecksum" | "error"> & { readonly executionMs: number },
): Promise<void> {
  await client.query(
    `INSERT INTO ${HISTORY_TABLE} (version, name, checksum, state, transactional, statements_done, done_checksum, error, execution_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (version) DO UPDATE SET name = excluded.name, checksum = excluded.checksum, state = excluded.state, transactional = excluded.transactional,
       statements_done = excluded.statements_done, done_checksum = excluded.done_checksum, error = excluded.error,
       applied_at = clock_timestamp(), applied_by = session_user, execution_ms = excluded.execution_ms`,
    [file.version, file.name, file.checksum, progress.state, progress.transactional, progress.statementsDone, progress.doneChecksum, progress.error, Math.round(progress.executionMs)],
  );
}

/** Says that the rollback of a version has begun and is not done. */
export async function recordRollingBack(client: Client, version: number, error: string | null): Promise<void> {
  await client.query(`UPDATE ${HISTORY_TABLE} SET state = 'rolling_back', error = $2 WHERE version = $1`, [version, error]);
}

/** Forgets a version that was rolled back. */
export async function forget(client: Client, version: number): Promise<void> {
  await client.query(`DELETE FROM ${HISTORY_TABLE} WHERE version = $1`, [version]);
}

import type { Client } from "pg";

import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import { createHistory, recordProgress } from "../migrate/history";
import { quoteIdentifier } from "../postgres/identifier";
import { AGREED_DATABASE } from "../provision/read-cluster";
import type { AdoptionStep } from "./plan";
import type { OpenSuperuserSession } from "./session";
import { withSuperuserSession } from "./session";

/** Statements of one transaction at the most: each takes a lock, and the server's table of locks is not boundless (6400 with its defaults). */
const STATEMENTS_AT_ONCE = 1_000;

/** What applying takes. */
export interface ApplyOptions {
  readonly openSession: OpenSuperuserSession;
  /** Name of the superuser, as the server has it now. */
  readonly superuser: string;
  readonly progress?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs steps in their order: those of one database that follow each other in one transaction, as far as they fit, so that a run that ends anywhere leaves
 * whole steps behind.
 *
 * @throws BulkheadError `ADOPT_STATEMENT_FAILED`
 */
export async function applySteps(steps: readonly AdoptionStep[], options: ApplyOptions): Promise<void> {
  for (const group of byDatabase(steps)) {
    options.signal?.throwIfAborted();
    const { database, service } = group[0]!;
    await withSuperuserSession(
      () => options.openSession(database ?? AGREED_DATABASE, options.superuser),
      async (client) => {
        for (const batch of batchesOf(group)) {
          options.signal?.throwIfAborted();
          if (batch[0]!.alone === true) await runStep(client, batch[0]!);
          else await inTransaction(client, batch);
        }
      },
    );
    options.progress?.(database === null ? `the server: ${group.length} steps done` : `${service}: ${group.length} steps done in ${database}`);
  }
}

/** Neighbours that run in the same database. */
function byDatabase(steps: readonly AdoptionStep[]): AdoptionStep[][] {
  const groups: AdoptionStep[][] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (last?.[0]!.database === step.database) last.push(step);
    else groups.push([step]);
  }
  return groups;
}

/** What is committed together. A step of more statements than fit is split: each of them is a change for itself. */
function batchesOf(steps: readonly AdoptionStep[]): AdoptionStep[][] {
  const batches: AdoptionStep[][] = [];
  let room = 0;
  for (const step of steps.flatMap(split)) {
    const last = batches.at(-1);
    if (last === undefined || step.alone === true || last[0]!.alone === true || step.statements.length > room) {
      batches.push([step]);
      room = STATEMENTS_AT_ONCE - step.statements.length;
    } else {
      last.push(step);
      room -= step.statements.length;
    }
  }
  return batches;
}

function split(step: AdoptionStep): AdoptionStep[] {
  if (step.statements.length <= STATEMENTS_AT_ONCE) return [step];
  const parts = Math.ceil(step.statements.length / STATEMENTS_AT_ONCE);
  return Array.from({ length: parts }, (_, part) => ({ ...step, statements: step.statements.slice(part * STATEMENTS_AT_ONCE, (part + 1) * STATEMENTS_AT_ONCE) }));
}

async function inTransaction(client: Client, steps: readonly AdoptionStep[]): Promise<void> {
  await client.query("BEGIN");
  try {
    for (const step of steps) await runStep(client, step);
    await client.query("COMMIT");
  } catch (error) {
    // Where this fails, the connection is gone, and the transaction with it.
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
}

async function runStep(client: Client, step: AdoptionStep): Promise<void> {
  for (const { sql } of step.statements) {
    try {
      await client.query(sql);
    } catch (error) {
      throw stepError(step, sql, error);
    }
  }
  if (step.baseline === undefined) return;
  try {
    await writeBaseline(client, step.baseline);
  } catch (error) {
    throw stepError(step, "writing the migration history", error);
  }
}

async function writeBaseline(client: Client, { owner, entries }: NonNullable<AdoptionStep["baseline"]>): Promise<void> {
  await client.query(`SET LOCAL ROLE ${quoteIdentifier(owner)}`);
  await createHistory(client, []);
  for (const { version, name, checksum, transactional, statements, statementsChecksum } of entries) {
    await recordProgress(client, { version, name, checksum, path: "", rollbackPath: "", sql: "" }, { state: "applied", transactional, statementsDone: statements, doneChecksum: statementsChecksum, error: null, executionMs: 0 });
  }
  await client.query("RESET ROLE");
}

function stepError({ service, what }: AdoptionStep, sql: string, error: unknown): BulkheadError {
  const code = (error as { code?: string }).code;
  return new BulkheadError("ADOPT_STATEMENT_FAILED", redact(`${service}: ${what}; ${sql}: ${messageOf(error)}${code === undefined ? "" : ` (SQLSTATE ${code})`}`), {
    hint: "mend the cause and run npx bulkhead adopt again: nothing of this transaction was kept, and what was finished before is not repeated",
    cause: error,
  });
}

import type { ClientBase } from "pg";

import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import { quoteIdentifier } from "../postgres/identifier";
import type { Change, ProvisionRule, Statement } from "./change";

/** How long a statement waits for somebody's lock on an object: long enough for any transaction of a running service, which has 5 s for a lock itself. */
const LOCK_TIMEOUT_MS = 10_000;

const BEGIN = `BEGIN; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`;

/** A statement and what it is for, to name both when it fails. */
export interface Step extends Statement {
  readonly service: string;
  readonly finding: string;
  readonly rule: ProvisionRule | "credentials";
}

export function stepsOf(changes: readonly Change[]): Step[] {
  return changes.flatMap(({ rule, service, finding, statements }) => statements.map((statement) => ({ ...statement, rule, service, finding })));
}

/**
 * Runs steps in one transaction, as one message to the server: a compartment takes some forty statements, and forty round trips would be
 * most of the time. Only when that fails are they sent one by one, to name the one at fault.
 *
 * @throws BulkheadError `PROVISION_STATEMENT_FAILED`; nothing of the transaction is kept then
 */
export async function applyInTransaction(client: ClientBase, steps: readonly Step[]): Promise<void> {
  if (steps.length === 0) return;
  const script = withRoles(steps);
  try {
    await client.query([BEGIN, ...script.map(({ sql }) => sql), "COMMIT"].join(";\n"));
  } catch {
    await client.query("ROLLBACK");
    await applyOneByOne(client, script);
  }
}

async function applyOneByOne(client: ClientBase, script: readonly { sql: string; step: Step }[]): Promise<void> {
  await client.query(BEGIN);
  for (const { sql, step } of script) {
    try {
      await client.query(sql);
    } catch (error) {
      await client.query("ROLLBACK");
      throw statementError(step, error);
    }
  }
  await client.query("COMMIT");
}

/** Runs a step that cannot stand in a transaction, such as CREATE DATABASE. */
export async function applyAlone(client: ClientBase, step: Step): Promise<void> {
  try {
    await client.query(step.sql);
  } catch (error) {
    throw statementError(step, error);
  }
}

/** Puts SET LOCAL ROLE between the steps wherever the role changes. */
function withRoles(steps: readonly Step[]): { sql: string; step: Step }[] {
  let role: string | undefined;
  return steps.flatMap((step) => {
    const line = { sql: step.sql, step };
    if (step.as === role) return [line];
    role = step.as;
    return [{ sql: `SET LOCAL ROLE ${role === undefined ? "NONE" : quoteIdentifier(role)}`, step }, line];
  });
}

function statementError(step: Step, error: unknown): BulkheadError {
  const { service, finding, sql, as } = step;
  const code = (error as { code?: string }).code;
  return new BulkheadError("PROVISION_STATEMENT_FAILED", redact(`${service}: ${finding}; ${as === undefined ? "" : `as ${as} `}${sql}: ${messageOf(error)}${code === undefined ? "" : ` (SQLSTATE ${code})`}`), {
    // A role that was made by a role that the admin made: it may be changed, but not granted (XX000, "no possible grantors").
    hint: hintFor(step, messageOf(error) === "no possible grantors" ? "42501" : code),
    cause: error,
  });
}

function hintFor({ rule }: Step, code: string | undefined): string {
  if (code === "42501" && rule === "extension") {
    return "the admin may not make this extension itself: let the tier's template bring it along (on the local server bulkhead_template does), or make it in this database as a superuser, then run the command again";
  }
  if (code === "42501") return "the admin made neither the role nor the object, so it may not change it; as a superuser: GRANT <role> TO <admin> WITH ADMIN OPTION, then run the command again";
  if (code === "55P03") return "somebody's transaction holds a lock on the object: find it with SELECT * FROM pg_stat_activity WHERE state <> 'idle', end it or wait, then run the command again";
  if (code === "55006") return "somebody is connected to the template database: close that session, then run the command again";
  return "mend the cause and run the command again: nothing of this step was kept, and finished steps are not repeated";
}

/**
 * SQLSTATEs of two sessions changing the same catalog rows at once; the loser's transaction can simply run again. Bulkhead's own sessions
 * hold a lock against each other, but nobody else's do.
 */
export function isCatalogRace(error: unknown): boolean {
  const cause = error instanceof BulkheadError ? error.cause : error;
  const { code, message = "", constraint = "" } = (cause ?? {}) as { code?: string; message?: string; constraint?: string };
  return code === "40P01" || (code === "XX000" && /tuple concurrently (updated|deleted)/.test(message)) || (code === "23505" && /^pg_.*_index$/.test(constraint));
}

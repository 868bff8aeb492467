import type { Client, QueryResult } from "pg";

import { redact } from "../errors/redact";
import { quoteLiteral } from "../postgres/identifier";
import type { LiveRule } from "./rules";

/** A statement that a login tries, and what must come of it. */
export interface Attempt {
  readonly rule: LiveRule;
  /** The statement in short, for the report. */
  readonly what: string;
  readonly sql: string;
  /** The SQLSTATE that it must be refused with, or `allowed`. Any other refusal proves nothing, so it is a failure. */
  readonly expected: "allowed" | "42501" | "25006";
}

/** What came of an attempt. */
export interface AttemptOutcome {
  readonly attempt: Attempt;
  readonly ok: boolean;
  /** `00000` when it was allowed. */
  readonly sqlstate: string;
  readonly message: string;
  /** Unit: milliseconds. */
  readonly ms: number;
}

/** SQLSTATE that ends an attempt which was allowed, so that even then nothing of it stays. */
const ALLOWED = "BH000";

/**
 * The attempts are run by one block on the server: each in a subtransaction that is always undone. A message for each would take a round
 * trip each, some hundred for every login.
 */
const RUN_BLOCK = `
DO $bulkhead$
DECLARE
  statement text;
  started timestamptz;
  code text;
  message text;
  outcomes jsonb[] := '{}';
BEGIN
  FOR statement IN SELECT jsonb_array_elements_text(current_setting('bulkhead.attempts')::jsonb) LOOP
    started := clock_timestamp();
    BEGIN
      EXECUTE statement;
      RAISE EXCEPTION USING ERRCODE = '${ALLOWED}';
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
    END;
    outcomes := outcomes || jsonb_build_array(code, message, extract(epoch FROM clock_timestamp() - started) * 1000);
  END LOOP;
  PERFORM set_config('bulkhead.outcomes', to_jsonb(outcomes)::text, true);
END
$bulkhead$`;

/**
 * Tries statements in a transaction that is rolled back, in one round trip.
 *
 * @param mode how the transaction begins; without one it is what the login's settings make it
 */
export async function runAttempts(client: Client, attempts: readonly Attempt[], mode: "" | "READ WRITE" = ""): Promise<AttemptOutcome[]> {
  if (attempts.length === 0) return [];
  const input = quoteLiteral(JSON.stringify(attempts.map(({ sql }) => sql)));
  const script = [`BEGIN ${mode}`, `SET LOCAL bulkhead.attempts = ${input}`, RUN_BLOCK, "SELECT current_setting('bulkhead.outcomes')::jsonb AS outcomes", "ROLLBACK"].join(";");
  let results: QueryResult[];
  try {
    // node-postgres gives an array for a message of several statements; its types do not know that.
    results = (await client.query(script)) as unknown as QueryResult[];
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
  const outcomes = (results[3]!.rows as { outcomes: [string, string, number][] }[])[0]!.outcomes;
  return attempts.map((attempt, index) => judge(attempt, ...outcomes[index]!));
}

function judge(attempt: Attempt, code: string, message: string, ms: number): AttemptOutcome {
  const allowed = code === ALLOWED;
  return {
    attempt,
    ok: attempt.expected === (allowed ? "allowed" : code),
    sqlstate: allowed ? "00000" : code,
    message: allowed ? "" : redact(message),
    ms,
  };
}

import { log, RunError } from "@pulumi/pulumi";

import { BulkheadError } from "../manager/src/errors/bulkhead-error";
import { redact } from "../manager/src/errors/redact";

/** Runs the program, or a part of it that nothing waits for. What a person can mend is shown by the engine without a stack trace, redacted, and with what to type next. */
export async function mendable<T>(part: () => Promise<T>): Promise<T> {
  try {
    return await part();
  } catch (error) {
    if (error instanceof BulkheadError) throw new RunError(textOf(error));
    throw error;
  }
}

/**
 * Runs a part of the program inside an `apply`: where it fails, the error is shown, the run counts as failed, and the value is null.
 * An output must never reject: resources that were declared from it would leave the engine waiting for ever (3.248.0).
 */
export async function reported<T>(part: () => Promise<T>): Promise<T | null> {
  try {
    return await part();
  } catch (error) {
    await log.error(error instanceof BulkheadError ? textOf(error) : redact(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    return null;
  }
}

function textOf({ message, code, hint }: BulkheadError): string {
  return redact(`${message} [${code}]${hint === undefined ? "" : `\nnext: ${hint}`}`);
}

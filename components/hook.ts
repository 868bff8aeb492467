import { BulkheadError, messageOf } from "../manager/src/errors/bulkhead-error";
import { redact } from "../manager/src/errors/redact";

/** A setup that takes longer hangs: the whole tier takes seconds, a long migration minutes. */
const HOOK_TIMEOUT_MS = 30 * 60_000;

/**
 * Runs the work of a hook, in bounded time. What it throws is shown by the engine word for word, so it leaves here redacted, with the
 * hint, and without a stack.
 */
export async function runHook(what: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  try {
    await work(AbortSignal.timeout(HOOK_TIMEOUT_MS));
  } catch (error) {
    const failure = new Error(redact(`${what} failed: ${describe(error)}`));
    delete failure.stack;
    throw failure;
  }
}

function describe(error: unknown): string {
  if (!(error instanceof BulkheadError)) return messageOf(error);
  return `${error.message} [${error.code}]${error.hint === undefined ? "" : `\n  next: ${error.hint}`}`;
}

import { AsyncResource } from "node:async_hooks";

import { ResourceHook } from "@pulumi/pulumi";
import type { Output } from "@pulumi/pulumi";

import { BulkheadError, messageOf } from "../manager/src/errors/bulkhead-error";
import { redact } from "../manager/src/errors/redact";

/** A setup that takes longer hangs: the whole tier takes seconds, a long migration minutes. */
const HOOK_TIMEOUT_MS = 30 * 60_000;

/**
 * A hook that does `work`, in bounded time. What that throws is shown by the engine word for word, so it leaves here redacted, with the
 * hint, and without a stack.
 *
 * @param what the work in words, for the error: "setting up the compartment of auth"
 */
export function setupHook(name: string, what: string, work: (signal: AbortSignal) => Promise<void>): ResourceHook {
  // The engine calls back outside of the program's async context, where Pulumi's SDK would not know which stack a log line belongs to.
  const inProgram = AsyncResource.bind(work);
  return new ResourceHook(name, async () => {
    try {
      await inProgram(AbortSignal.timeout(HOOK_TIMEOUT_MS));
    } catch (error) {
      const failure = new Error(redact(error instanceof BulkheadError && error.code === "TIER_UNUSABLE" ? error.message : `${what} failed: ${describe(error)}`));
      delete failure.stack;
      throw failure;
    }
  });
}

function describe(error: unknown): string {
  if (!(error instanceof BulkheadError)) return messageOf(error);
  return `${error.message} [${error.code}]${error.hint === undefined ? "" : `\n  next: ${error.hint}`}`;
}

/** The value of an output, inside a hook of a resource whose inputs were made from it: so it is known, and never an error. */
export function valueOf<T>(output: Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply((value) => resolve(value)));
}

/** For a hook that finds no way into the tier: the same words from every hook, since the one cause has been told. */
export function tierUnusable(): BulkheadError {
  return new BulkheadError("TIER_UNUSABLE", "nothing could be set up inside the database: there is no way into the tier");
}

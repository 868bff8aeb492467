import { join } from "node:path";

import { withProcessLock } from "../../components/local/process-lock";
import type { CommandContext } from "./command-context";

/** Another command on the stack is waited for this long before this one is refused. */
const LOCK_WAIT_MS = 120_000;

/**
 * Held while a command changes a stack as a whole, so that two of them do not.
 *
 * @param label says in the message to others who holds it: `bulkhead up of stack dev`
 * @param waitMs default: two minutes
 * @throws BulkheadError `LOCK_HELD`, or the context's signal's reason
 */
export function withStackLock<T>({ root, stack, progress, signal }: CommandContext, label: string, work: () => Promise<T>, { waitMs = LOCK_WAIT_MS }: { readonly waitMs?: number } = {}): Promise<T> {
  return withProcessLock(join(root, ".bulkhead", `${stack}.lock`), { waitMs, label, progress, signal }, work);
}

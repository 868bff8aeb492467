import { readFile } from "node:fs/promises";

import { BulkheadError, messageOf } from "../../manager/src/errors/bulkhead-error";

/**
 * Looks at the engine's state before the engine does, whose own words for a damaged one name neither the file nor the way out.
 *
 * @param path the stack's file of the file backend; one that is not there is a new stack
 * @throws BulkheadError `STATE_DAMAGED`
 */
export async function checkState(path: string): Promise<void> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw stateDamaged(path, messageOf(error), error);
  }
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch (error) {
    throw stateDamaged(path, `it is no JSON: ${messageOf(error)}`, error);
  }
  if (!isCheckpoint(state)) throw stateDamaged(path, "it is no checkpoint of Pulumi's");
}

/** As far as the engine would stumble without a word about the file. */
function isCheckpoint(state: unknown): boolean {
  const { version, checkpoint } = (state ?? {}) as { version?: unknown; checkpoint?: { latest?: { resources?: unknown } | null } | null };
  if (typeof version !== "number" || typeof checkpoint !== "object" || checkpoint === null) return false;
  const resources = checkpoint.latest?.resources;
  return resources === undefined || resources === null || Array.isArray(resources);
}

function stateDamaged(path: string, why: string, cause?: unknown): BulkheadError {
  const quoted = `'${path.replaceAll("'", "'\\''")}'`;
  return new BulkheadError("STATE_DAMAGED", `Pulumi's state ${path} cannot be used: ${why}`, {
    hint: `mv ${quoted} ${quoted.slice(0, -1)}.damaged' && npm run up   (databases and secrets are kept, and the state is written anew from them)`,
    ...(cause === undefined ? {} : { cause }),
  });
}

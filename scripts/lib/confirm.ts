import { createInterface } from "node:readline/promises";

import { BulkheadError } from "../../manager/src/errors/bulkhead-error";

/**
 * Asks a person to type a name before something is removed for good. Without a terminal nothing is asked: then `--yes` must be there.
 *
 * @throws BulkheadError `CONFIRMATION_NEEDED`, `CONFIRMATION_REFUSED`
 */
export async function confirmByName({ what, name, yes, signal }: { what: string; name: string; yes: boolean; signal: AbortSignal }): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) throw new BulkheadError("CONFIRMATION_NEEDED", `${what} removes data for good, and there is no terminal to ask at`, { hint: "add --yes if you mean it" });
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const typed = await prompt.question(`${what} removes data for good. Type ${name} to go on: `, { signal });
    if (typed.trim() !== name) throw new BulkheadError("CONFIRMATION_REFUSED", `${JSON.stringify(typed.trim())} is not ${JSON.stringify(name)}; nothing was removed`);
  } finally {
    prompt.close();
  }
}

/**
 * Asks for a yes before something is changed that can be told, and removes nothing. Without a terminal nothing is asked: then `--yes` must be there.
 *
 * @throws BulkheadError `CONFIRMATION_NEEDED`, `CONFIRMATION_REFUSED`
 */
export async function confirmPlan({ question, yes, signal }: { question: string; yes: boolean; signal: AbortSignal }): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) throw new BulkheadError("CONFIRMATION_NEEDED", `${question} There is no terminal to ask at; nothing was changed`, { hint: "read the plan (--dry-run), then add --yes" });
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const typed = (await prompt.question(`${question} Type yes to go on: `, { signal })).trim();
    if (typed !== "yes") throw new BulkheadError("CONFIRMATION_REFUSED", `${JSON.stringify(typed)} is not "yes"; nothing was changed`);
  } finally {
    prompt.close();
  }
}

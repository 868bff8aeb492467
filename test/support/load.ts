/** Callers that do something over and over. */
export interface Load {
  /** How often it was done. */
  readonly succeeded: number;
}

/**
 * Lets `callers` do `step`, each again as soon as it has ended, while `during` runs.
 *
 * @returns what the failed calls threw
 */
export async function underLoad(callers: number, step: () => Promise<void>, during: (load: Load) => Promise<void>): Promise<unknown[]> {
  const failures: unknown[] = [];
  const load = { succeeded: 0 };
  let stopped = false;
  const running = Array.from({ length: callers }, async () => {
    while (!stopped) {
      try {
        await step();
        load.succeeded++;
      } catch (error) {
        failures.push(error);
        // Calls that fail at once would leave nothing else a turn.
        await new Promise(setImmediate);
      }
    }
  });
  try {
    await during(load);
  } finally {
    stopped = true;
    await Promise.all(running);
  }
  return failures;
}

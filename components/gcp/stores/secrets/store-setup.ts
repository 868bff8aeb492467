/** What an observation of a store's secrets found. */
export interface StoreObservation {
  /** That of the last setup, if everything is as it left it; else null. */
  readonly token: string | null;
  /** What is not as it should be, as sentences; never a secret. */
  readonly findings: readonly string[];
}

/** The secrets of one store: what an anchor looks at and what its hook does. Both ask Google's APIs only, so they work from wherever `up` runs. */
export interface StoreSetup {
  /** Changes nothing. */
  observe(signal?: AbortSignal): Promise<StoreObservation>;
  /** Writes what is not right, and leaves the token. Returns what was written, as sentences. Can be run again after any crash; two at once are kept apart by the stack's lock. */
  setUp(token: string, signal: AbortSignal): Promise<readonly string[]>;
}

/** A JSON object of text and whole numbers, or undefined where the text is none. */
export function parseFields(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The one sentence about a secret that is not as it should be; undefined where it is. Names fields, never values. */
export function secretFinding(id: string, text: string | undefined, wanted: Readonly<Record<string, unknown>>): string | undefined {
  if (text === undefined) return `the secret ${id} has no enabled version`;
  const fields = parseFields(text);
  if (fields === undefined) return `the secret ${id} is not whole`;
  const others = Object.keys(wanted).filter((name) => fields[name] !== wanted[name]);
  return others.length === 0 ? undefined : `the secret ${id} has another ${others.join(", ")}`;
}

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

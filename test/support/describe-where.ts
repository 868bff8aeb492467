/** `describe` where the machine has what the tests need; else they are skipped, and their name says why. */
export function describeWhere(missing: string | undefined, name: string, tests: () => void): void {
  if (missing === undefined) describe(name, tests);
  else describe.skip(`${name} (skipped: ${missing})`, tests);
}

/** `describe` with what was looked for on the machine. Where it is missing, one skipped line stands for all the tests and says why. */
export function describeFound<Found extends object>(found: Found | { readonly missing: string }, name: string, tests: (found: Found) => void): void {
  if ("missing" in found) test.skip(`${name} (skipped: ${String(found.missing)})`, () => {});
  else describe(name, () => tests(found));
}

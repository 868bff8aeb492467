type Fingerprint = (sql: string) => string;

let fingerprint: Fingerprint | undefined;
let loading: Promise<boolean> | undefined;

/** What the parser answers with; anything else is its message of what it did not take. */
const FINGERPRINT = /^[0-9a-f]{16}$/;

/**
 * Loads Postgres' own parser (version 17, compiled to WebAssembly), once for the process. It holds 35 to 120 MB of resident memory from then on, and its first use keeps the
 * event loop busy for about 50 ms, so that is done here. Resolves to false where it cannot be loaded; never rejects.
 */
export function loadSqlParser(): Promise<boolean> {
  loading ??= load().catch(() => false);
  return loading;
}

async function load(): Promise<boolean> {
  const parser = await import("@libpg-query/parser");
  await parser.loadModule();
  parser.fingerprintSync("SELECT 1");
  fingerprint = parser.fingerprintSync;
  return true;
}

/** The parser's fingerprint, 16 hexadecimal digits; undefined where it is not loaded or does not take the text. Never throws. */
export function parserFingerprint(sql: string): string | undefined {
  try {
    const found = fingerprint?.(sql);
    return found !== undefined && FINGERPRINT.test(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

import { shapeOf } from "./query-shape";
import type { QueryShape } from "./query-shape";
import { loadSqlParser, parserFingerprint } from "./sql-parser";
import { TextCache } from "./text-cache";

const cache = new TextCache<string>(2_000, 512 * 1024);
let cachedWithParser = false;

/** Loads Postgres' parser for `fingerprintQuery`. Resolves to false where that is not possible; never rejects. */
export async function prepareFingerprints(): Promise<boolean> {
  const loaded = await loadSqlParser();
  // What the tokenizer said before is no longer right.
  if (loaded && !cachedWithParser) cache.clear();
  cachedWithParser = loaded;
  return loaded;
}

/**
 * A string that is equal for statements that differ only in constants, comments, spacing, the case of keywords and unquoted names, and the lengths of lists.
 *
 * After `await prepareFingerprints()` it is the fingerprint of Postgres' own parser: 16 hexadecimal digits, the same for tables whose names differ in runs of digits
 * alone (`logs_2026_11` and `logs_2026_12`: partitions). Before, and for what that parser does not take (syntax errors,
 * newer syntax, more than 4,000 characters without constants), it comes from a tokenizer: an `x` and 16 digits. Both depend on the text alone, but are not comparable: prepare
 * before the first fingerprint that is kept. Never throws; a text that was seen lately costs a look-up.
 */
export function fingerprintQuery(sql: string): string {
  let fingerprint = cache.get(sql);
  if (fingerprint === undefined) {
    fingerprint = fingerprintShape(shapeOf(sql));
    cache.set(sql, fingerprint);
  }
  return fingerprint;
}

/** The same of a shape that is known. */
export function fingerprintShape({ parsable, key }: Pick<QueryShape, "parsable" | "key">): string {
  return (parsable === undefined ? undefined : parserFingerprint(parsable)) ?? key;
}

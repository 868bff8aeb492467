import { DatabaseUrlError } from "./database-url";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What to do about a character that means something in a URL. */
export const ENCODE_HINT = "percent-encode user, password and database: `encodeURIComponent(password)` in JavaScript, `urllib.parse.quote(password, safe='')` in Python";

/** Percent-encodes all but letters, digits and `-._~` (RFC 3986, unreserved), as UTF-8. Throws `DATABASE_URL_ENCODING` for NUL and lone surrogates, naming `part`. */
export function encodePart(text: string, part: string): string {
  if (text.includes("\0")) throw new DatabaseUrlError("DATABASE_URL_ENCODING", `The ${part} contains a NUL character, which Postgres cannot take.`);
  if (!text.isWellFormed()) throw new DatabaseUrlError("DATABASE_URL_ENCODING", `The ${part} contains half of a surrogate pair, which has no UTF-8 form.`);
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * Decodes one part of a URL as libpq's `conninfo_uri_decode` does (PostgreSQL 18): spaces around it are dropped, a space inside is refused,
 * `%00` is refused, `+` stays a plus. Beyond libpq, bytes that are no UTF-8 are refused, because a JavaScript string cannot hold them.
 */
export function decodePart(encoded: string, part: string): string {
  const text = encoded.replace(/^ +| +$/g, "");
  if (text.includes(" ")) throw new DatabaseUrlError("DATABASE_URL_SPACE", `There is a space inside the ${part}.`, { hint: "write a space as %20" });
  if (!text.includes("%")) return text;

  const bytes: Buffer[] = [];
  let plainFrom = 0;
  for (let at = text.indexOf("%"); at !== -1; at = text.indexOf("%", plainFrom)) {
    const digits = text.slice(at + 1, at + 3);
    if (!/^[0-9a-f]{2}$/i.test(digits)) {
      throw new DatabaseUrlError("DATABASE_URL_ENCODING", `The ${part} has a % that is not followed by two hexadecimal digits.`, { hint: `write a % itself as %25; ${ENCODE_HINT}` });
    }
    if (digits === "00") throw new DatabaseUrlError("DATABASE_URL_ENCODING", `The ${part} contains %00, a NUL character, which Postgres cannot take.`);
    bytes.push(Buffer.from(text.slice(plainFrom, at), "utf8"), Buffer.from(digits, "hex"));
    plainFrom = at + 3;
  }
  bytes.push(Buffer.from(text.slice(plainFrom), "utf8"));
  try {
    return UTF8.decode(Buffer.concat(bytes));
  } catch {
    throw new DatabaseUrlError("DATABASE_URL_ENCODING", `The ${part} is not UTF-8 after decoding.`, { hint: ENCODE_HINT });
  }
}

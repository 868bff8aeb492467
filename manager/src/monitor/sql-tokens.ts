/** What a token is. Constants are the kinds up to `PARAMETER`. */
export const enum Kind {
  NUMBER,
  STRING,
  PARAMETER,
  /** An unquoted name or keyword, folded to lower case as Postgres does. */
  WORD,
  /** A name in double quotes, with them. */
  QUOTED,
  OPERATOR,
  /** One of ( ) [ ] , ; . : and :: */
  PUNCTUATION,
}

const enum Char {
  OTHER,
  SPACE,
  LETTER,
  DIGIT,
  OPERATOR,
  PUNCTUATION,
}

const CHARS = new Uint8Array(128);
for (const [characters, char] of [
  [" \t\n\r\f\v", Char.SPACE],
  ["abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", Char.LETTER],
  ["0123456789", Char.DIGIT],
  ["+-*/<>=~!@#%^&|`?", Char.OPERATOR],
  ["()[],;.:", Char.PUNCTUATION],
] as const) {
  for (const character of characters) CHARS[character.charCodeAt(0)] = char;
}

/** Beyond ASCII everything is a letter to Postgres. */
function charAt(sql: string, at: number): Char {
  const code = sql.charCodeAt(at);
  return code < 128 ? (CHARS[code] as Char) : code >= 128 ? Char.LETTER : Char.OTHER;
}

const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const DOLLAR = 0x24;
const DASH = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;

/**
 * Reads SQL as Postgres' lexer does (with `standard_conforming_strings` on) and tells each token to `token`; comments and spaces are left out, and a constant's text is not
 * told. Takes any text: what is not closed goes to the end. Linear in the length of the text.
 */
export function readTokens(sql: string, token: (kind: Kind, text: string) => void): void {
  let previousEscapes = false;
  let at = 0;
  while (at < sql.length) {
    const start = at;
    const code = sql.charCodeAt(at);
    const char = charAt(sql, at);
    const next = sql.charCodeAt(at + 1);
    if (char === Char.SPACE) {
      at++;
    } else if (code === DASH && next === DASH) {
      at = endOfLine(sql, at);
    } else if (code === SLASH && next === STAR) {
      at = endOfComment(sql, at);
    } else if (code === QUOTE) {
      // A string may go on in the next line; then it has the rules of its beginning.
      at = endOfString(sql, at + 1, previousEscapes);
      token(Kind.STRING, "");
    } else if (char === Char.LETTER) {
      if (next === QUOTE && "eEbBxXnN".includes(sql[at] as string)) {
        previousEscapes = (code | 0x20) === 0x65;
        at = endOfString(sql, at + 2, previousEscapes);
        token(Kind.STRING, "");
        continue;
      }
      if ((code | 0x20) === 0x75 && next === 0x26 && (sql.charCodeAt(at + 2) === QUOTE || sql.charCodeAt(at + 2) === DOUBLE_QUOTE)) {
        const isString = sql.charCodeAt(at + 2) === QUOTE;
        at = isString ? endOfString(sql, at + 3, false) : endOfQuoted(sql, at + 3);
        token(isString ? Kind.STRING : Kind.QUOTED, isString ? "" : sql.slice(start, at));
      } else {
        at = endOfWord(sql, at);
        token(Kind.WORD, fold(sql.slice(start, at)));
      }
    } else if (char === Char.DIGIT || (code === 0x2e && charAt(sql, at + 1) === Char.DIGIT)) {
      at = endOfNumber(sql, at);
      token(Kind.NUMBER, "");
    } else if (code === DOUBLE_QUOTE) {
      at = endOfQuoted(sql, at + 1);
      token(Kind.QUOTED, sql.slice(start, at));
    } else if (code === DOLLAR) {
      at = endOfDollar(sql, at);
      token(sql.charCodeAt(at - 1) === DOLLAR ? Kind.STRING : Kind.PARAMETER, "");
    } else if (char === Char.OPERATOR) {
      at = endOfOperator(sql, at);
      token(Kind.OPERATOR, sql.slice(start, at));
    } else {
      at += code === 0x3a && next === 0x3a ? 2 : 1;
      token(char === Char.PUNCTUATION ? Kind.PUNCTUATION : Kind.OPERATOR, sql.slice(start, at));
    }
    if (code !== QUOTE && char !== Char.SPACE) previousEscapes = false;
  }
}

function endOfLine(sql: string, at: number): number {
  while (at < sql.length && sql.charCodeAt(at) !== 0x0a && sql.charCodeAt(at) !== 0x0d) at++;
  return at;
}

/** Comments nest. */
function endOfComment(sql: string, at: number): number {
  let depth = 0;
  do {
    if (sql.charCodeAt(at) === SLASH && sql.charCodeAt(at + 1) === STAR) {
      depth++;
      at += 2;
    } else if (sql.charCodeAt(at) === STAR && sql.charCodeAt(at + 1) === SLASH) {
      depth--;
      at += 2;
    } else {
      at++;
    }
  } while (depth > 0 && at < sql.length);
  return Math.min(at, sql.length);
}

function endOfString(sql: string, at: number, escapes: boolean): number {
  for (; at < sql.length; at++) {
    const code = sql.charCodeAt(at);
    if (escapes && code === 0x5c) at++;
    else if (code === QUOTE) {
      if (sql.charCodeAt(at + 1) !== QUOTE) return at + 1;
      at++;
    }
  }
  return sql.length;
}

function endOfQuoted(sql: string, at: number): number {
  for (; at < sql.length; at++) {
    if (sql.charCodeAt(at) !== DOUBLE_QUOTE) continue;
    if (sql.charCodeAt(at + 1) !== DOUBLE_QUOTE) return at + 1;
    at++;
  }
  return sql.length;
}

function endOfWord(sql: string, at: number): number {
  for (; at < sql.length; at++) {
    const char = charAt(sql, at);
    if (char !== Char.LETTER && char !== Char.DIGIT && sql.charCodeAt(at) !== DOLLAR) break;
  }
  return at;
}

/** Also hexadecimal, `1_000` and `1e-5`. */
function endOfNumber(sql: string, at: number): number {
  const hexadecimal = sql.charCodeAt(at) === 0x30 && (sql.charCodeAt(at + 1) | 0x20) === 0x78;
  for (; at < sql.length; at++) {
    const code = sql.charCodeAt(at);
    const char = charAt(sql, at);
    const signOfExponent = (code === DASH || code === 0x2b) && (sql.charCodeAt(at - 1) | 0x20) === 0x65 && !hexadecimal && charAt(sql, at + 1) === Char.DIGIT;
    if (char !== Char.DIGIT && char !== Char.LETTER && code !== 0x2e && !signOfExponent) break;
  }
  return at;
}

/** `$1`, or a string between `$tag$`. A lone `$` stands for itself, and counts as a parameter. */
function endOfDollar(sql: string, at: number): number {
  let end = at + 1;
  if (charAt(sql, end) === Char.DIGIT) {
    while (charAt(sql, end) === Char.DIGIT) end++;
    return end;
  }
  while (charAt(sql, end) === Char.LETTER || charAt(sql, end) === Char.DIGIT) end++;
  if (sql.charCodeAt(end) !== DOLLAR) return at + 1;
  const tag = sql.slice(at, end + 1);
  const close = sql.indexOf(tag, end + 1);
  return close === -1 ? sql.length : close + tag.length;
}

/** A comment ends an operator; a trailing + or - belongs to it only beside one of ~ ! @ # % ^ & | ` ? (Postgres' rule, so that `=-1` is two). */
function endOfOperator(sql: string, at: number): number {
  let end = at;
  let special = false;
  for (; charAt(sql, end) === Char.OPERATOR; end++) {
    const code = sql.charCodeAt(end);
    const next = sql.charCodeAt(end + 1);
    if ((code === DASH && next === DASH) || (code === SLASH && next === STAR)) break;
    special ||= "~!@#%^&|`?".includes(sql[end] as string);
  }
  while (!special && end > at + 1 && (sql.charCodeAt(end - 1) === DASH || sql.charCodeAt(end - 1) === 0x2b)) end--;
  return end;
}

/** Only ASCII: Postgres leaves other letters as they are in a database of UTF-8. */
function fold(word: string): string {
  for (let at = 0; at < word.length; at++) {
    if (word.charCodeAt(at) >= 128) return word.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  }
  return word.toLowerCase();
}

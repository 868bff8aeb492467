import { Kind, readTokens } from "./sql-tokens";

/** What a statement looks like without its constants, comments, spacing and the lengths of its lists. */
export interface QueryShape {
  /** 17 characters, equal for equal shapes: a hash of 64 bits behind an `x`. */
  readonly key: string;
  /** For people: `select name from users where id in (?)`, at most 500 characters. Holds no constant. */
  readonly text: string;
  /** The same as SQL that a parser takes, with 0, '' and $1 for the constants; undefined where it is longer than 4,000 characters. */
  readonly parsable: string | undefined;
  /** What it does and to which tables, as OpenTelemetry's `db.query.summary`: `SELECT users`. At most 100 characters. */
  readonly summary: string;
  /** Its first word, in capitals, as OpenTelemetry's `db.operation.name`. */
  readonly operation: string;
}

const TEXT_CHARS_MAX = 500;
const PARSABLE_CHARS_MAX = 4_000;
const SUMMARY_CHARS_MAX = 100;
/** Tokens that are kept, after lists are shortened; of those behind only the hash is. */
const TOKENS_MAX = 1_500;
/** How deep brackets are followed. */
const DEPTH_MAX = 100;

const CONSTANT_WORDS = new Set(["null", "true", "false", "default"]);
/** After these, NULL and its like are no constants: `IS NULL`, `NOT NULL`, `SET DEFAULT`. */
const BEFORE_KEYWORD = new Set(["is", "not", "set", "insert", "column"]);
/** After these, a sign belongs to the number behind it. */
const BEFORE_OPERAND = new Set([
  "select", "where", "and", "or", "not", "in", "between", "limit", "offset", "when", "then", "else", "by", "returning", "values", "set", "to", "like", "ilike", "on", "having", "as", "from", "default", "distinct", "symmetric",
]);

/** An open bracket, or a list without one (VALUES). */
interface Frame {
  readonly kind: "bracket" | "list" | "array" | "values";
  /** Where the element that is being read begins. */
  elementStart: number;
  /** The last element that was kept; -1 where there is none. */
  keptStart: number;
  keptEnd: number;
}

/** Reads the tokens of one statement and drops from lists (IN, ARRAY, VALUES) what repeats their last element but for its constants. */
class TokenList {
  readonly kinds: Kind[] = [];
  readonly texts: string[] = [];
  #frames: Frame[] = [];
  /** Tokens behind `TOKENS_MAX`, as a hash. */
  rest = 0;

  readonly add = (kind: Kind, text: string): void => {
    if (this.kinds.length >= TOKENS_MAX) {
      this.rest = mix(this.rest, isConstant(kind) ? "?" : text);
      return;
    }
    if (kind === Kind.STRING && this.kinds.at(-1) === Kind.STRING) return;
    let frame = this.#frames.at(-1);
    if (frame?.kind === "values" && text !== "(" && text !== ",") {
      this.#close();
      frame = this.#frames.at(-1);
    }
    if (kind === Kind.NUMBER) this.#dropSign();
    if (kind !== Kind.PUNCTUATION) {
      this.#push(kind, text);
      if (text === "values") this.#open("values");
    } else if (text === "(" || text === "[") {
      const opens = this.#kindOf(text, frame);
      this.#push(kind, text);
      this.#open(opens);
    } else if (text === ")" || text === "]") {
      this.#close();
      this.#push(kind, text);
    } else {
      if (text === "," && frame !== undefined) this.#endElement(frame);
      this.#push(kind, text);
      if (frame !== undefined) frame.elementStart = this.kinds.length;
    }
  };

  /** Closes what is open, and drops semicolons at the end. */
  end(): void {
    while (this.#frames.length > 0) this.#close();
    while (this.texts.at(-1) === ";" && this.kinds.at(-1) === Kind.PUNCTUATION) this.#truncate(this.kinds.length - 1);
  }

  isConstantAt(at: number): boolean {
    const kind = this.kinds[at] as Kind;
    if (kind !== Kind.WORD) return isConstant(kind);
    const word = this.texts[at] as string;
    if (!CONSTANT_WORDS.has(word) || BEFORE_KEYWORD.has(this.texts[at - 1] ?? "")) return false;
    return word !== "default" || /^[,)]$/.test(this.texts[at + 1] ?? ",");
  }

  #kindOf(bracket: string, frame: Frame | undefined): Frame["kind"] {
    const before = this.texts.at(-1);
    if (bracket === "(") return before === "in" && this.kinds.at(-1) === Kind.WORD ? "list" : "bracket";
    return before === "array" || frame?.kind === "array" ? "array" : "bracket";
  }

  #push(kind: Kind, text: string): void {
    this.kinds.push(kind);
    this.texts.push(text);
  }

  #open(kind: Frame["kind"]): void {
    if (this.#frames.length < DEPTH_MAX) this.#frames.push({ kind, elementStart: this.kinds.length, keptStart: -1, keptEnd: -1 });
  }

  #close(): void {
    const frame = this.#frames.pop();
    if (frame !== undefined) this.#endElement(frame);
  }

  #endElement(frame: Frame): void {
    if (frame.kind === "bracket") return;
    const end = this.kinds.length;
    if (frame.keptStart >= 0 && this.#equal(frame.keptStart, frame.keptEnd, frame.elementStart, end)) {
      this.#truncate(frame.keptEnd);
    } else {
      frame.keptStart = frame.elementStart;
      frame.keptEnd = end;
    }
  }

  #equal(start: number, end: number, otherStart: number, otherEnd: number): boolean {
    if (end - start !== otherEnd - otherStart || end === start) return false;
    for (let offset = 0; offset < end - start; offset++) {
      const constant = this.isConstantAt(start + offset);
      if (constant !== this.isConstantAt(otherStart + offset)) return false;
      if (!constant && this.texts[start + offset] !== this.texts[otherStart + offset]) return false;
    }
    return true;
  }

  #dropSign(): void {
    const last = this.kinds.length - 1;
    if (this.kinds[last] !== Kind.OPERATOR || (this.texts[last] !== "-" && this.texts[last] !== "+")) return;
    const before = this.kinds[last - 1];
    const text = this.texts[last - 1] ?? "";
    if (before === undefined || before === Kind.OPERATOR || (before === Kind.PUNCTUATION && text !== ")" && text !== "]") || (before === Kind.WORD && BEFORE_OPERAND.has(text))) this.#truncate(last);
  }

  #truncate(length: number): void {
    this.kinds.length = length;
    this.texts.length = length;
  }
}

/** The shape of a statement. Takes any text, also what is no SQL; linear in its length. */
export function shapeOf(sql: string): QueryShape {
  const tokens = tokensOf(sql);
  const { kinds, texts } = tokens;
  const parsable = tokens.rest === 0 ? join(tokens, (at) => (kinds[at] === Kind.NUMBER ? "0" : kinds[at] === Kind.STRING ? "''" : kinds[at] === Kind.PARAMETER ? "$1" : (texts[at] as string)), PARSABLE_CHARS_MAX + 1) : "";
  return {
    key: keyOf(tokens),
    text: join(tokens, (at) => (tokens.isConstantAt(at) ? "?" : (texts[at] as string)), TEXT_CHARS_MAX),
    parsable: parsable === "" || parsable.length > PARSABLE_CHARS_MAX ? undefined : parsable,
    ...summaryOf(tokens),
  };
}

/** Only the key of `shapeOf`. */
export function shapeKey(sql: string): string {
  return keyOf(tokensOf(sql));
}

function tokensOf(sql: string): TokenList {
  const tokens = new TokenList();
  readTokens(sql, tokens.add);
  tokens.end();
  return tokens;
}

const PLAIN_NAME = /^"[a-z_][a-z0-9_$]*"$/;

function keyOf(tokens: TokenList): string {
  let low = tokens.rest;
  let high = ~tokens.rest;
  for (let at = 0; at < tokens.kinds.length; at++) {
    const text = tokens.texts[at] as string;
    const kind = tokens.kinds[at];
    const part = tokens.isConstantAt(at) ? "?" : kind === Kind.QUOTED && PLAIN_NAME.test(text) ? text.slice(1, -1) : text;
    low = mix(low, part);
    high = mix(high ^ part.length, part);
  }
  return `x${hex(low)}${hex(high)}`;
}

/** FNV-1a over UTF-16, with a stronger end for each part (murmur's), so that parts do not run into each other. */
function mix(hash: number, part: string): number {
  let mixed = hash ^ 0x811c9dc5;
  for (let at = 0; at < part.length; at++) mixed = Math.imul(mixed ^ part.charCodeAt(at), 0x01000193);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  return Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) ^ part.length;
}

function hex(hash: number): string {
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/** One spacing for all: none inside brackets, before commas and around dots and casts, one space elsewhere. */
function join({ kinds, texts }: TokenList, spell: (at: number) => string, charsMax: number): string {
  // Pieces, since a string that is added to piece by piece keeps them all.
  const pieces: string[] = [];
  let chars = 0;
  for (let at = 0; at < kinds.length && chars <= charsMax; at++) {
    const before = at === 0 ? "" : (texts[at - 1] as string);
    const here = texts[at] as string;
    const glued = at === 0 || /^[([.]$|^::$/.test(before) || (kinds[at] === Kind.PUNCTUATION && /^[)\],;.[]$|^::$/.test(here)) || (here === "(" && isCall(kinds[at - 1], before));
    const piece = spell(at);
    if (!glued) pieces.push(" ");
    pieces.push(piece);
    chars += piece.length + (glued ? 0 : 1);
  }
  const text = pieces.join("");
  return text.length > charsMax ? Buffer.from(text.slice(0, charsMax)).toString() : text;
}

const NOT_CALLED = new Set(["in", "and", "or", "not", "values", "as", "from", "where", "on", "using", "exists", "any", "all", "some", "over", "by", "select", "join", "into", "when", "then", "else", "union", "with", "filter"]);

function isCall(kind: Kind | undefined, word: string): boolean {
  return kind === Kind.QUOTED || (kind === Kind.WORD && !NOT_CALLED.has(word));
}

const OPERATIONS = new Set(["select", "insert", "update", "delete", "merge"]);
const BEFORE_TABLE = new Set(["from", "join", "into", "update", "table", "truncate"]);
const SKIPPED = new Set(["only", "if", "not", "exists", "table"]);
const TABLES_MAX = 3;

function summaryOf({ kinds, texts }: TokenList): { summary: string; operation: string } {
  const words = kinds.map((kind, at) => (kind === Kind.WORD ? (texts[at] as string) : ""));
  const isName = (at: number): boolean => kinds[at] === Kind.WORD || kinds[at] === Kind.QUOTED;
  const first = words.findIndex((word) => word !== "");
  if (first === -1) return { summary: "", operation: "" };
  const main = words[first] === "with" ? words.findIndex((word, at) => OPERATIONS.has(word) && depthOf(texts, kinds, at) === 0) : first;
  const operation = (words[main === -1 ? first : main] as string).slice(0, 30).toUpperCase();
  const tables: string[] = [];
  for (let at = 0; at < kinds.length && tables.length < TABLES_MAX; at++) {
    if (!BEFORE_TABLE.has(words[at] as string) || (words[at] === "update" && words[at - 1] === "for")) continue;
    let name = at + 1;
    while (SKIPPED.has(words[name] ?? "")) name++;
    if (!isName(name)) continue;
    while (texts[name + 1] === "." && isName(name + 2)) name += 2;
    // generate_series(…) is no table; "users (id)" after INTO is one.
    if (texts[name + 1] === "(" && (words[at] === "from" || words[at] === "join")) continue;
    const table = texts[name] as string;
    if (!tables.includes(table)) tables.push(table);
  }
  return { summary: [operation, ...tables].join(" ").slice(0, SUMMARY_CHARS_MAX), operation };
}

function depthOf(texts: readonly string[], kinds: readonly Kind[], end: number): number {
  let depth = 0;
  for (let at = 0; at < end; at++) {
    if (kinds[at] !== Kind.PUNCTUATION) continue;
    if (texts[at] === "(") depth++;
    else if (texts[at] === ")") depth--;
  }
  return depth;
}

function isConstant(kind: Kind): boolean {
  return kind <= Kind.PARAMETER;
}

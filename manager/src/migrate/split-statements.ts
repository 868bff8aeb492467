/** One SQL statement of a file, as it is sent to the server. */
export interface Statement {
  /** The statement without its semicolon, and without the comments before and after it. */
  readonly text: string;
  /** Line of the file on which it begins, from 1. */
  readonly line: number;
  /** Its first tokens (at most 12): words in lower case, quoted identifiers with their quotes, other characters one by one. */
  readonly head: readonly string[];
}

/** What cannot be split: a string, comment, quoted identifier or parenthesis that never ends. */
export class SplitError extends Error {
  /** Line of the file on which the unfinished thing begins, from 1. */
  readonly line: number;
  constructor(what: string, line: number) {
    super(what);
    this.line = line;
  }
}

const HEAD_TOKENS = 12;

// Postgres' own scanner (src/backend/parser/scan.l): every character outside ASCII may stand in an identifier.
const SPACE = /[ \t\n\r\f\v]+/y;
const LINE_COMMENT = /--[^\n\r]*/y;
const WORD = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y;
const NUMBER = /[0-9]+/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
// A string goes on after white space that holds a newline: 'a' <newline> 'b' is one string, in the mode of its first part.
const STRING_GOES_ON = /(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'/y;

/**
 * Splits a file into its statements, as psql does: semicolons inside strings (`''`, `E''`, dollar quotes), quoted identifiers,
 * comments (nested ones too), parentheses and `BEGIN ATOMIC … END` bodies do not end a statement. Strings are read with
 * `standard_conforming_strings = on`. Empty statements are left out. Throws `SplitError` on what never ends.
 */
export function splitStatements(sql: string): Statement[] {
  const statements: Statement[] = [];
  let begin = -1;
  let end = 0;
  let head: string[] = [];
  let depth = 0;
  let depthBegan = 0;
  let body = new RoutineBody();
  let position = 0;
  let line = 1;
  let lineCounted = 0;
  let beginLine = 1;

  const lineAt = (offset: number): number => {
    for (; lineCounted < offset; lineCounted++) if (sql[lineCounted] === "\n") line++;
    return line;
  };
  const token = (text: string, next: number): void => {
    if (begin < 0) {
      begin = position;
      beginLine = lineAt(position);
    }
    if (head.length < HEAD_TOKENS) head.push(text);
    end = position = next;
  };
  const finish = (): void => {
    if (begin >= 0) statements.push({ text: sql.slice(begin, end), line: beginLine, head });
    begin = -1;
    head = [];
    body = new RoutineBody();
  };

  while (position < sql.length) {
    const gap = matchAt(SPACE, sql, position) ?? matchAt(LINE_COMMENT, sql, position);
    if (gap !== undefined) {
      position += gap.length;
      continue;
    }
    if (sql.startsWith("/*", position)) {
      const close = endOfBlockComment(sql, position);
      if (close < 0) throw new SplitError("a /* comment that never ends", lineAt(position));
      position = close;
      continue;
    }
    const character = sql[position]!;
    const escaped = (character === "e" || character === "E") && sql[position + 1] === "'";
    if (character === "'" || escaped) {
      const close = endOfString(sql, position + (escaped ? 2 : 1), escaped);
      if (close < 0) throw new SplitError("a string that never ends", lineAt(position));
      token(sql.slice(position, close), close);
      continue;
    }
    if (character === '"') {
      const close = endOfQuoted(sql, position + 1, '"');
      if (close < 0) throw new SplitError("a quoted identifier that never ends", lineAt(position));
      token(sql.slice(position, close), close);
      continue;
    }
    const word = matchAt(WORD, sql, position);
    if (word !== undefined) {
      const lower = word.toLowerCase();
      if (depth === 0) body.word(lower);
      token(lower, position + word.length);
      continue;
    }
    const number = matchAt(NUMBER, sql, position);
    if (number !== undefined) {
      token(number, position + number.length);
      continue;
    }
    const tag = matchAt(DOLLAR_TAG, sql, position);
    if (tag !== undefined) {
      const close = sql.indexOf(tag, position + tag.length);
      if (close < 0) throw new SplitError(`a string in ${tag} that never ends`, lineAt(position));
      token(tag, close + tag.length);
      continue;
    }
    if (character === "(" && depth++ === 0) depthBegan = position;
    if (character === ")" && depth > 0) depth--;
    if (character === ";" && depth === 0 && !body.open) {
      finish();
      position++;
      continue;
    }
    token(character, position + 1);
  }
  if (depth > 0 && begin >= 0) throw new SplitError("a parenthesis that is never closed", lineOf(sql, depthBegan));
  finish();
  return statements;
}

/** Line of `offset` in `text`, from 1. */
export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let index = text.indexOf("\n"); index >= 0 && index < offset; index = text.indexOf("\n", index + 1)) line++;
  return line;
}

/**
 * Follows `CREATE [OR REPLACE] FUNCTION|PROCEDURE … BEGIN ATOMIC … END` by its words: the body's semicolons belong to it, and a CASE in it
 * has an END of its own.
 */
class RoutineBody {
  #seen = "";
  #previous = "";
  #depth = 0;

  get open(): boolean {
    return this.#depth > 0;
  }

  word(word: string): void {
    if (this.#seen.length < 40) this.#seen += `${word} `;
    if (/^create (or replace )?(function|procedure) /.test(this.#seen)) {
      if (this.#depth === 0 && word === "atomic" && this.#previous === "begin") this.#depth = 1;
      else if (this.#depth > 0 && word === "case") this.#depth++;
      else if (this.#depth > 0 && word === "end") this.#depth--;
    }
    this.#previous = word;
  }
}

function matchAt(pattern: RegExp, text: string, position: number): string | undefined {
  pattern.lastIndex = position;
  return pattern.exec(text)?.[0];
}

/** Offset after the comment that begins at `start`, or -1. Comments nest, as in the SQL standard. */
function endOfBlockComment(sql: string, start: number): number {
  let depth = 1;
  for (let index = start + 2; index < sql.length; index++) {
    if (sql.startsWith("/*", index)) {
      depth++;
      index++;
    } else if (sql.startsWith("*/", index)) {
      index++;
      if (--depth === 0) return index + 1;
    }
  }
  return -1;
}

/** Offset after the closing quote, or -1; a doubled quote stands for itself. */
function endOfQuoted(sql: string, start: number, quote: string): number {
  for (let index = sql.indexOf(quote, start); index >= 0; index = sql.indexOf(quote, index + 2)) {
    if (sql[index + 1] !== quote) return index + 1;
  }
  return -1;
}

function endOfString(sql: string, start: number, escaped: boolean): number {
  for (let from = start; ; ) {
    const close = escaped ? endOfEscapedString(sql, from) : endOfQuoted(sql, from, "'");
    const more = close < 0 ? undefined : matchAt(STRING_GOES_ON, sql, close);
    if (more === undefined) return close;
    from = close + more.length;
  }
}

function endOfEscapedString(sql: string, start: number): number {
  for (let index = start; index < sql.length; index++) {
    if (sql[index] === "\\") index++;
    else if (sql[index] === "'") {
      if (sql[index + 1] !== "'") return index + 1;
      index++;
    }
  }
  return -1;
}

import { SplitError, lineOf, splitStatements } from "./split-statements";
import type { Statement } from "./split-statements";

/** A migration or rollback file, ready to run. */
export interface Script {
  readonly statements: readonly Statement[];
  /** False where the file's head says `-- bulkhead: no-transaction`. */
  readonly transactional: boolean;
}

/** Something in a file that keeps it from running. */
export interface ScriptProblem {
  /** Line of the file, from 1. */
  readonly line: number;
  readonly text: string;
}

const DIRECTIVE = /^[ \t]*--[ \t]*bulkhead:(.*)$/gm;
const STRINGS_NOT_CONFORMING = /standard_conforming_strings['"]?\s*(?:=|,|\bto\b)\s*['"]?(?:off|false|no|0)\b/i;
/** ROLLBACK TO SAVEPOINT, SAVEPOINT and RELEASE stay inside the transaction and are allowed. */
const TRANSACTION_CONTROL = /^(?:begin|start transaction|commit|end|abort|prepare transaction|rollback(?! (?:(?:work|transaction) )?to\b))(?: |$)/;
const SESSION_CONTROL = /^(?:discard all|set session authorization|reset session authorization|set (?:session |local )?role|reset role)(?: |$)/;

/** Parses a script, pure; `script` is undefined where `problems` is not empty. */
export function parseScript(sql: string): { script: Script | undefined; problems: readonly ScriptProblem[] } {
  const problems: ScriptProblem[] = [];
  let transactional = true;
  const headEnds = endOfHead(sql);
  for (const match of sql.matchAll(DIRECTIVE)) {
    const line = lineOf(sql, match.index);
    const directive = match[1]!.trim();
    if (directive !== "no-transaction") problems.push({ line, text: `unknown directive ${JSON.stringify(directive.slice(0, 60))}; the one there is: -- bulkhead: no-transaction` });
    else if (match.index >= headEnds) problems.push({ line, text: "-- bulkhead: no-transaction must stand before the first statement" });
    else transactional = false;
  }
  let statements: readonly Statement[] = [];
  try {
    statements = splitStatements(sql);
    if (statements.length === 0) problems.push({ line: 1, text: "the file holds no statement" });
  } catch (error) {
    if (!(error instanceof SplitError)) throw error;
    problems.push({ line: error.line, text: error.message });
  }
  for (const { head, line } of statements) {
    const words = head.slice(0, 4).join(" ");
    if (TRANSACTION_CONTROL.test(words)) {
      problems.push({
        line,
        text: `${head[0]!.toUpperCase()} is not allowed: ${transactional ? "the file runs in a transaction of its own" : "the statements of this file run one by one"}; put what belongs together into a migration of its own`,
      });
    } else if (SESSION_CONTROL.test(words)) {
      problems.push({ line, text: `${head.slice(0, 2).join(" ").toUpperCase()} is not allowed: a migration runs as the owner of the service's objects, in the session that holds the migration lock` });
    } else if (head[0] === "\\") {
      problems.push({ line, text: "a backslash command of psql; a migration holds SQL only" });
    }
  }
  const strings = STRINGS_NOT_CONFORMING.exec(sql);
  if (strings !== null) problems.push({ line: lineOf(sql, strings.index), text: "standard_conforming_strings must stay on: statements are told apart by it" });
  return { script: problems.length === 0 ? { statements, transactional } : undefined, problems };
}

/** Offset of the first character that is neither white space nor comment. */
function endOfHead(sql: string): number {
  return /^(?:\s|--[^\n]*|\/\*[^]*?\*\/)*/.exec(sql)![0].length;
}

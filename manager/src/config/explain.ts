import type { SourceName } from "./app-config";
import type { ConfigProblem } from "./config-error";
import type { ExplainedSetting } from "./settings";

/** What became of one source. */
export interface ExplainedSource {
  readonly name: SourceName;
  /** `absent`: not configured; `invalid`: configured and wrong; `refused`: not allowed; `not asked`: another one decided before. */
  readonly state: "won" | "absent" | "invalid" | "refused" | "not asked";
  readonly why: string;
}

/** The account of one `load()` as text for a person. What goes in is redacted already. */
export function explanationText(facts: {
  readonly service: string;
  readonly sources: readonly ExplainedSource[];
  readonly settings: readonly ExplainedSetting[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}): string {
  const sources = facts.sources.map(({ name, state, why }, index) => [String(index + 1), name, state, why]);
  const settings = facts.settings.map(({ name, value, origin }) => [name, value, origin]);
  const parts = [
    `Configuration of ${facts.service}`,
    table(["#", "source", "result", "why"], sources),
    table(["setting", "value", "from"], settings),
    ...facts.warnings.map((warning) => `warning: ${warning}`),
    ...facts.problems.map(({ variable, problem, fix }) => `problem: ${variable} ${problem}. Fix: ${fix}`),
  ];
  return parts.join("\n\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [head, ...rows].map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()).join("\n");
}

import { isAbout } from "./rule";
import type { Declared, Rule } from "./rule";

/** How a stack stands to a rule. */
export interface Verdict {
  readonly rule: Rule;
  /** `not applicable`: the stack has nothing that the rule is about. */
  readonly status: "passed" | "failed" | "not applicable";
  /** What is wrong, with the resource's name where it is one resource's fault. */
  readonly findings: readonly string[];
}

/** Judges resources whose values are all known, without an engine. */
export function judge(rules: readonly Rule[], resources: readonly Declared[]): Verdict[] {
  return rules.map((rule) => {
    const concerned = resources.filter(({ type }) => isAbout(rule, type));
    const findings: string[] = [];
    if (rule.scope === "resource") for (const resource of concerned) rule.check(resource, (what) => findings.push(`${resource.name}: ${what}`));
    else if (concerned.length > 0) rule.check(concerned, (what) => findings.push(what));
    return { rule, status: concerned.length === 0 ? "not applicable" : findings.length > 0 ? "failed" : "passed", findings };
  });
}

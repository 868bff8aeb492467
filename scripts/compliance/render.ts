import type { Verdict } from "../../policy/judge";
import type { Suppression } from "../../policy/suppressions";

/** How the stack stands to a check of somebody else's. */
interface Control {
  readonly id: string;
  readonly status: Verdict["status"] | "suppressed";
  /** The policies that cover it, or the reason for which it is suppressed. */
  readonly note: string;
}

/** Whose checks an id belongs to, in the order of the document. */
const SOURCES: readonly (readonly [string, RegExp])[] = [
  ["CIS Google Cloud Platform Foundations Benchmark", /^CIS /],
  ["Checkov", /^CKV/],
  ["Trivy", /^AVD-/],
  ["KICS", /^KICS /],
  ["Prowler", /^prowler /],
  ["Steampipe", /^steampipe /],
  ["Others", /^/],
];

/** The document COMPLIANCE.md. */
export function renderCompliance(verdicts: readonly Verdict[], suppressions: readonly Suppression[]): string {
  const controls = controlsOf(verdicts, suppressions);
  const own = verdicts.filter(({ rule }) => rule.controls.length === 0);
  return [
    "# Compliance",
    "",
    "<!-- Generated: do not edit. `node -r tsx/cjs scripts/compliance/write.ts` writes it anew. -->",
    "",
    "How the stack of `Pulumi.prod.yaml` stands to the checks of others, and to the rules of `policy/` that no scanner has. It is generated from what that stack",
    "declares, by the rules that `--policy-pack` enforces; a test fails when it is out of date.",
    "",
    "- **passed**: every policy that covers the control holds.",
    "- **not applicable**: the stack has no resource of that kind; the policy is there for when it has.",
    "- **suppressed**: not wanted, for the reason given. Nothing else fails.",
    "",
    `Of ${controls.length} controls ${count(controls, "passed")} passed, ${count(controls, "not applicable")} are not applicable, ${count(controls, "suppressed")} are suppressed, ${count(controls, "failed")} failed.`,
    `Of ${own.length} rules that no scanner has ${count(own, "passed")} passed, ${count(own, "not applicable")} are not applicable, ${count(own, "failed")} failed.`,
    "",
    "What this cannot show: what Google makes of the declarations, changes made past Pulumi, and controls about people and organizations. `npx bulkhead validate`",
    "looks into the database itself. CIS numbers are those of versions 4.0 and 5.0 alike, unless one is named.",
    "",
    ...SOURCES.flatMap(([title, pattern], index) => section(title, controls.filter(({ id }) => SOURCES.findIndex(([, other]) => other.test(id)) === index && pattern.test(id)))),
    "## Rules that no scanner has",
    "",
    ...table(["Policy", "Status", "What holds"], own.map(({ rule, status }) => [`\`${rule.name}\``, status, rule.description])),
    "",
    "## All policies",
    "",
    ...table(["Policy", "Severity", "Status", "How it is mended"], verdicts.map(({ rule, status }) => [`\`${rule.name}\`${rule.optional ? " (only warns)" : ""}`, rule.severity, status, rule.remediation])),
    "",
  ].join("\n");
}

function controlsOf(verdicts: readonly Verdict[], suppressions: readonly Suppression[]): Control[] {
  const ids = [...new Set(verdicts.flatMap(({ rule }) => rule.controls))];
  const covered = ids.map((id): Control => {
    const covering = verdicts.filter(({ rule }) => rule.controls.includes(id));
    const statuses = covering.map(({ status }) => status);
    const status = statuses.includes("failed") ? "failed" : statuses.includes("passed") ? "passed" : "not applicable";
    return { id, status, note: covering.map(({ rule }) => `\`${rule.name}\``).join(", ") };
  });
  const suppressed = suppressions.map(({ id, reason }): Control => ({ id, status: "suppressed", note: reason }));
  return [...covered, ...suppressed].sort((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }));
}

function count(all: readonly { readonly status: string }[], status: string): number {
  return all.filter((one) => one.status === status).length;
}

function section(title: string, controls: readonly Control[]): string[] {
  if (controls.length === 0) return [];
  return [`## ${title}`, "", ...table(["Control", "Status", "Policies, or reason"], controls.map(({ id, status, note }) => [id, status, note])), ""];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

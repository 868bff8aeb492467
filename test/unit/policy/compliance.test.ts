import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { Verdict } from "../../../policy/judge";
import { rules } from "../../../policy/policies";
import { suppressions } from "../../../policy/suppressions";
import { compliance } from "../../../scripts/compliance/compliance";
import { renderCompliance } from "../../../scripts/compliance/render";

const verdict = (name: string, controls: readonly string[], status: Verdict["status"]): Verdict => ({
  rule: { name, controls, description: `${name} holds.`, severity: "low", remediation: "a | b", types: [], scope: "stack", check: () => {} },
  status,
  findings: [],
});

it("COMPLIANCE.md is what the stack of Pulumi.prod.yaml gives now (node -r tsx/cjs scripts/compliance/write.ts)", async () => {
  expect(readFileSync(join(__dirname, "..", "..", "..", "COMPLIANCE.md"), "utf8")).toBe(await compliance());
}, 60_000);

it("suppresses nothing that a policy covers", () => {
  const covered = new Set(rules.flatMap(({ controls }) => controls));
  expect(suppressions.filter(({ id }) => covered.has(id))).toEqual([]);
});

it("calls a control passed only where none of its policies fails", () => {
  const text = renderCompliance([verdict("one", ["CKV_GCP_1", "CKV_GCP_2"], "passed"), verdict("two", ["CKV_GCP_2", "CKV_GCP_3"], "failed"), verdict("three", ["CKV_GCP_1", "CKV_GCP_10"], "not applicable")], []);
  expect(text.split("\n").filter((line) => line.startsWith("| CKV"))).toEqual([
    "| CKV_GCP_1 | passed | `one`, `three` |",
    "| CKV_GCP_2 | failed | `one`, `two` |",
    "| CKV_GCP_3 | failed | `two` |",
    "| CKV_GCP_10 | not applicable | `three` |",
  ]);
});

it("gives the reason of what is suppressed, and lists rules that no scanner has", () => {
  const text = renderCompliance([verdict("ours", [], "passed")], [{ id: "KICS x", reason: "not read any more" }]);
  expect(text).toContain("| KICS x | suppressed | not read any more |");
  expect(text).toContain("| `ours` | passed | ours holds. |");
  expect(text).toContain("| `ours` | low | passed | a \\| b |");
});

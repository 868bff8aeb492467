import { buildReport } from "../../../manager/src/validate/report";
import type { Evidence } from "../../../manager/src/validate/report";
import { RULE_IDS } from "../../../manager/src/validate/rules";

const piece = (part: Partial<Evidence>): Evidence => ({ rule: "identity", service: "auth", status: "passed", detail: "as the secret says", ms: 1, ...part });
const checksOf = (evidence: readonly Evidence[]) => buildReport(evidence, ["auth"]).checks.filter(({ id }) => id === "identity");

test("there is a check of every rule for every service, in order, also of rules that nothing was found out about", () => {
  const report = buildReport([piece({})], ["auth", "l2p"]);

  expect(report.checks.map(({ service, id }) => `${service} ${id}`)).toEqual(["auth", "l2p"].flatMap((service) => RULE_IDS.map((id) => `${service} ${id}`)));
  expect(report.summary).toEqual({ passed: 1, failed: 0, skipped: 2 * RULE_IDS.length - 1 });
  expect(report.ok).toBe(true);
});

test("what is about the tier comes first, and only where there is something", () => {
  expect(buildReport([piece({ rule: "role-exists", service: "tier", status: "failed", detail: "no monitor" })], ["auth"]).checks[0]).toMatchObject({ id: "role-exists", service: "tier", status: "failed" });
});

test("evidence that agrees becomes one check: equal details are said once for all logins, the times are added", () => {
  expect(checksOf([piece({ login: "readonly", detail: "refused" }), piece({ login: "app", detail: "refused" }), piece({ login: "migrator", detail: "acts as owner", ms: 0.25 })])).toEqual([
    { id: "identity", service: "auth", status: "passed", detail: "app, readonly: refused; migrator: acts as owner", ms: 2.3 },
  ]);
});

test("each failure is a check of its own, with its remedy, and hides what passed", () => {
  expect(checksOf([piece({ login: "app" }), piece({ status: "failed", login: "migrator", detail: "wrong", heal: "ALTER ROLE …" }), piece({ status: "failed", login: "readonly", detail: "wrong too" })])).toEqual([
    { id: "identity", service: "auth", status: "failed", detail: "migrator: wrong", ms: 1, heal: "ALTER ROLE …" },
    { id: "identity", service: "auth", status: "failed", detail: "readonly: wrong too", ms: 1 },
  ]);
});

test("what could not be tried for one login is not passed because another's passed", () => {
  expect(checksOf([piece({ login: "app" }), piece({ status: "skipped", login: "readonly", detail: "does not get in" })])).toMatchObject([{ status: "skipped", detail: "readonly: does not get in" }]);
});

test("evidence about different subjects stays apart", () => {
  const checks = checksOf([piece({ subject: "l2p_db", detail: "refused" }), piece({ subject: "postgres", status: "failed", detail: "let in" })]);
  expect(checks.map(({ status, detail }) => [status, detail])).toEqual([["passed", "refused"], ["failed", "let in"]]);
});

test("one failed check makes the report not ok", () => {
  expect(buildReport([piece({ status: "failed" })], ["auth"])).toMatchObject({ version: 1, ok: false, summary: { failed: 1 } });
});

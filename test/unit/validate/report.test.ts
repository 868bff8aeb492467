import { buildReport } from "../../../manager/src/validate/report";
import type { Evidence } from "../../../manager/src/validate/report";
import { RULE_IDS, STORE_RULES } from "../../../manager/src/validate/rules";

/** Of the stores' rules there is a check for services that ask for one. */
const ALWAYS = RULE_IDS.filter((id) => !Object.hasOwn(STORE_RULES, id));

const piece = (part: Partial<Evidence>): Evidence => ({ rule: "identity", service: "auth", status: "passed", detail: "as the secret says", ms: 1, ...part });
const checksOf = (evidence: readonly Evidence[]) => buildReport(evidence, ["auth"]).checks.filter(({ id }) => id === "identity");

test("there is a check of every rule for every service, in order, also of rules that nothing was found out about", () => {
  const report = buildReport([piece({})], ["auth", "l2p"]);

  expect(report.checks.map(({ service, id }) => `${service} ${id}`)).toEqual(["auth", "l2p"].flatMap((service) => ALWAYS.map((id) => `${service} ${id}`)));
  expect(report.summary).toEqual({ passed: 1, failed: 0, skipped: 2 * ALWAYS.length - 1 });
  expect(report.ok).toBe(true);
});

test("a rule about a store has a check where something was found out, and its place behind all others", () => {
  const { checks } = buildReport([piece({ rule: "redis-access" }), piece({})], ["auth", "l2p"]);
  expect(checks.filter(({ id }) => Object.hasOwn(STORE_RULES, id))).toMatchObject([{ id: "redis-access", service: "auth", status: "passed" }]);
  expect(checks.findIndex(({ id }) => id === "redis-access")).toBe(ALWAYS.length);
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

import { PROVISION_RULES } from "../../../manager/src/provision/change";
import { inspect } from "../../../manager/src/provision/inspect";
import { LIVE_RULES } from "../../../manager/src/validate/rules";
import { describeFound } from "../../support/describe-where";
import { inOldWords, obtainOtherPostgres, startOtherServer } from "../../support/other-postgres";
import type { OtherMajor, OtherPostgres } from "../../support/other-postgres";
import { DRIFTS } from "./drifts";
import { containing, failedChecks, failedRules, matching, startValidatedTier } from "./tier";
import type { ValidatedTier } from "./tier";

/** What 15 has otherwise is how roles are written, owned by and looked at; the rest of the drifts is tried on the local target's server, which has memberships like 16 and 18. */
const VERSION_DRIFTS = DRIFTS.filter(({ rules }) => rules.some((rule) => rule.startsWith("role-") || ["database-owner", "object-owner", "own-statements"].includes(rule)));

describe.each([15, 16, 18] as const)("a server of another version", (major) => {
  describeFound(obtainOtherPostgres(major), `PostgreSQL ${major}`, (postgres) => validationTests(major, postgres));
});

function validationTests(major: OtherMajor, postgres: OtherPostgres): void {
  let tier: ValidatedTier;
  beforeAll(async () => {
    tier = await startValidatedTier(() => startOtherServer(postgres), major);
  });
  afterAll(() => tier?.stop());

  test("a clean tier passes every rule, and what the version cannot refuse is told apart from what it refused", async () => {
    const report = await tier.validate();

    expect(failedChecks(report)).toEqual([]);
    const ofAlpha = report.checks.filter(({ service }) => service === "alpha");
    const rules = [...Object.keys(PROVISION_RULES), ...Object.keys(LIVE_RULES)].filter((rule) => rule !== "no-compartment");
    expect(rules.filter((rule) => !ofAlpha.some(({ id, status }) => id === rule && status === "passed"))).toEqual([]);
    const skipped = ofAlpha.filter(({ id, status }) => status === "skipped" && id !== "no-compartment").map(({ id, detail }) => [id, detail]);
    expect(skipped).toEqual(major < 16 ? [["no-set-role", containing("SET ROLE alpha_app is allowed to every member before PostgreSQL 16")]] : []);
    expect(ofAlpha).toContainEqual(expect.objectContaining({ id: "no-schema-change", detail: matching(major < 17 ? /TRUNCATE, REFERENCES and TRIGGER on none of 5 tables/ : /TRUNCATE, REFERENCES, TRIGGER and MAINTAIN on none of 5 tables/) }));
    expect(ofAlpha).toContainEqual(expect.objectContaining({ id: "session-settings", detail: matching(major < 17 ? /(^|; )app: 4 settings as planned/ : /(^|; )app, migrator: 5 settings as planned/) }));
  });

  test("the group that a login may act as holds nothing that the login does not have", async () => {
    const held = (role: string): string =>
      `SELECT coalesce(json_agg(DISTINCT p || ' ' || c.oid::regclass), '[]') AS held FROM pg_class c, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) p WHERE c.relkind IN ('r', 'p', 'v') AND has_table_privilege('${role}', c.oid, p)`;
    const [group] = await tier.asAdmin("alpha_db", held("alpha_app"));
    expect(group!["held"]).not.toEqual([]);
    expect(await tier.asAdmin("alpha_db", held("alpha_user"))).toEqual([group]);
  });

  if (major < 16) describe.each(VERSION_DRIFTS)("$name", ({ sql: [database, sql], rules, names }) => {
    test("is found and named, its statement heals it, and so does provisioning", async () => {
      const drift = inOldWords(major, sql);
      await tier.asAdmin(database, drift);
      const report = await tier.validate();

      expect(failedRules(report)).toEqual(expect.arrayContaining([...rules]));
      expect(failedChecks(report).map(({ detail }) => detail)).toContainEqual(matching(names));
      for (const { id, heal } of failedChecks(report)) if (Object.hasOwn(PROVISION_RULES, id)) await tier.heal(heal!);
      expect(failedChecks(await tier.validate())).toEqual([]);

      await tier.asAdmin(database, drift);
      await tier.provision();
      const inspection = await inspect(tier.plan, tier.options);
      expect([...inspection.tier, ...inspection.compartments.flatMap(({ changes, credentials }) => [...changes, ...credentials])]).toEqual([]);
    });
  });
}

import { PROVISION_RULES } from "../../../manager/src/provision/change";
import { inspect } from "../../../manager/src/provision/inspect";
import { DRIFTS } from "./drifts";
import { containing, failedChecks, failedRules, matching, startValidatedTier } from "./tier";
import type { ValidatedTier } from "./tier";

let tier: ValidatedTier;
beforeAll(async () => {
  tier = await startValidatedTier();
});
afterAll(() => tier?.stop());

describe.each(DRIFTS)("$name", ({ sql, rules, names }) => {
  test("is found and named, its statement heals it, and so does provisioning", async () => {
    await tier.asAdmin(...sql);
    const report = await tier.validate();

    expect(report.ok).toBe(false);
    expect(failedRules(report)).toEqual(expect.arrayContaining([...rules]));
    expect(failedChecks(report).map(({ detail }) => detail)).toContainEqual(matching(names));

    const ofCatalog = failedChecks(report).filter(({ id }) => Object.hasOwn(PROVISION_RULES, id));
    for (const { heal } of ofCatalog) await tier.heal(heal!);
    expect(failedChecks(await tier.validate())).toEqual([]);

    await tier.asAdmin(...sql);
    await tier.provision();
    const { compartments } = await inspect(tier.plan, tier.options);
    expect(compartments.flatMap(({ changes, credentials }) => [...changes, ...credentials])).toEqual([]);
  });
});

describe("drift that only provisioning heals", () => {
  test("a wrong password is found by logging in, and the next provisioning mends it", async () => {
    await tier.asAdmin("postgres", "ALTER ROLE alpha_user PASSWORD 'made-by-hand'");
    const report = await tier.validate();

    expect(failedChecks(report)).toEqual([expect.objectContaining({ id: "login", service: "alpha", detail: matching(/^app: alpha_user does not get into alpha_db: .*\(28P01\)$/), heal: "npx bulkhead provision" })]);
    // What could not be tried is said, not passed.
    expect(report.checks).toContainEqual(expect.objectContaining({ id: "no-set-role", service: "alpha", status: "skipped", detail: containing("app: could not be tried") }));
    expect(report.checks).toContainEqual(expect.objectContaining({ id: "no-set-role", service: "beta", status: "passed" }));

    await tier.provision();
    expect(failedChecks(await tier.validate())).toEqual([]);
  });

  test("a dropped role is found, and provisioning makes it again with its password", async () => {
    await tier.asAdmin("alpha_db", `GRANT alpha_readonly, alpha_owner, bulkhead_monitor TO bulkhead_admin WITH INHERIT TRUE; DROP OWNED BY alpha_readonly; DROP ROLE alpha_readonly;
      GRANT alpha_owner, bulkhead_monitor TO bulkhead_admin WITH INHERIT FALSE`);
    const report = await tier.validate();

    expect(failedRules(report)).toEqual(expect.arrayContaining(["role-exists", "login"]));
    expect(failedChecks(report)).toContainEqual(expect.objectContaining({ id: "role-exists", detail: "role alpha_readonly does not exist", heal: containing('CREATE ROLE "alpha_readonly"') }));

    await tier.provision();
    expect(failedChecks(await tier.validate())).toEqual([]);
  });

  test("a lost secret is found, and provisioning makes a new one", async () => {
    await tier.options.secrets.remove("alpha");
    const report = await tier.validate();

    expect(failedRules(report)).toEqual(["secret-whole"]);
    expect(failedChecks(report)).toHaveLength(3);
    expect(report.checks).toContainEqual(expect.objectContaining({ id: "login", service: "alpha", status: "skipped" }));

    await tier.provision();
    expect(failedChecks(await tier.validate())).toEqual([]);
  });

  test("a secret whose URL says something else than its fields is found, without showing either", async () => {
    const secret = (await tier.options.secrets.read({ service: "alpha", login: "readonly" }))!;
    await tier.options.secrets.write({ service: "alpha", login: "readonly" }, { ...secret, url: secret.url.replace(secret.password, "another-password").replace("alpha_db", "beta_db") });

    const report = await tier.validate(["alpha"]);

    expect(failedChecks(report)).toEqual([expect.objectContaining({ id: "secret-whole", detail: "readonly: the URL's database is beta_db, not alpha_db; the URL's password is not that of the password field" })]);
    await tier.provision();
    expect(failedChecks(await tier.validate())).toEqual([]);
  });
});

describe("drift that a report heals and provisioning does not know", () => {
  test("a SECURITY DEFINER function without a pinned search_path", async () => {
    await tier.asLogin("alpha", "migrator", "CREATE FUNCTION loose(text, integer[]) RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'");
    const [check, ...others] = failedChecks(await tier.validate());

    expect(others).toEqual([]);
    expect(check).toMatchObject({ id: "definer-functions", service: "alpha", detail: containing("public.loose(text, integer[])") });
    await tier.heal(check!.heal!);
    expect(failedChecks(await tier.validate())).toEqual([]);
  });

  test("the standby login opened with the live one's password", async () => {
    const { password } = (await tier.options.secrets.read({ service: "alpha", login: "app" }))!;
    await tier.asAdmin("postgres", `ALTER ROLE alpha_user_b PASSWORD '${password}'`);
    const [check, ...others] = failedChecks(await tier.validate());

    expect(others).toEqual([]);
    expect(check).toMatchObject({ id: "standby-login", service: "alpha", detail: containing("alpha_user_b") });
    await tier.heal(check!.heal!);
    expect(failedChecks(await tier.validate())).toEqual([]);
  });

  test("a role for a service that must have none", async () => {
    await tier.asAdmin("postgres", "CREATE ROLE web_user LOGIN");
    const [check, ...others] = failedChecks(await tier.validate());

    expect(others).toEqual([]);
    expect(check).toMatchObject({ id: "no-compartment", service: "web", detail: "role web_user exists, but the service has no database" });
    await tier.heal(check!.heal!);
    expect(failedChecks(await tier.validate())).toEqual([]);
  });
});

import { LIVE_RULES, RULE_IDS, STORE_RULES } from "../../../manager/src/validate/rules";
import { failedChecks, matching, startValidatedTier } from "./tier";
import type { ValidatedTier } from "./tier";

let tier: ValidatedTier;
beforeAll(async () => {
  tier = await startValidatedTier();
});
afterAll(() => tier?.stop());

/** Everything that an attempt could have left behind. */
async function snapshot(): Promise<unknown> {
  const inDatabase = `SELECT
    (SELECT json_agg(c.relname || c.relkind::text || coalesce(c.relacl::text, '') ORDER BY c.relname, c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname <> 'pg_toast' AND n.nspname NOT LIKE 'pg\\_%temp%') AS classes,
    (SELECT json_agg(nspname || coalesce(nspacl::text, '') ORDER BY nspname) FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%temp%') AS schemas,
    (SELECT json_agg(proname ORDER BY oid) FROM pg_proc WHERE oid >= 16384) AS functions,
    (SELECT count(*) FROM pg_largeobject_metadata) AS large_objects`;
  const shared = `SELECT (SELECT json_agg(to_json(r) ORDER BY rolname) FROM pg_roles r) AS roles, (SELECT json_agg(datname || coalesce(datacl::text, '') ORDER BY datname) FROM pg_database) AS databases,
    (SELECT json_agg(to_json(s)) FROM pg_db_role_setting s) AS settings, (SELECT count(*) FROM pg_replication_slots) AS slots`;
  const sequences = "SELECT last_value, is_called FROM counter UNION ALL SELECT last_value, is_called FROM items_id_seq";
  return {
    alpha: await tier.asAdmin("alpha_db", inDatabase),
    beta: await tier.asAdmin("beta_db", inDatabase),
    shared: await tier.asAdmin("postgres", shared),
    sequences: await tier.asLogin("alpha", "migrator", sequences),
    rows: await tier.asLogin("alpha", "migrator", "SELECT count(*) FROM items"),
  };
}

test("a clean tier passes, with a check of every rule for every service", async () => {
  const report = await tier.validate();

  expect(failedChecks(report)).toEqual([]);
  expect(report).toMatchObject({ version: 1, ok: true, summary: { failed: 0 } });
  for (const service of ["alpha", "beta", "web"]) {
    const ids = new Set(report.checks.filter((check) => check.service === service).map(({ id }) => id));
    expect([...ids].sort()).toEqual(RULE_IDS.filter((id) => !Object.hasOwn(STORE_RULES, id)).sort());
  }
  // Nothing was left untried where there is a database: only the rule about having none does not apply.
  const skipped = report.checks.filter(({ service, status }) => service !== "web" && status === "skipped").map(({ id }) => id);
  expect(new Set(skipped)).toEqual(new Set(["no-compartment"]));
  expect(report.checks.filter(({ service, status }) => service === "web" && status === "passed").map(({ id }) => id)).toEqual(["no-compartment"]);
  expect(report.summary.passed + report.summary.skipped).toBe(report.checks.length);
});

test("every login has its part in every rule about sessions", async () => {
  const { checks } = await tier.validate(["alpha"]);

  const detailOf = (id: string): string => checks.filter((check) => check.id === id && check.service === "alpha").map(({ detail }) => detail).join("; ");
  for (const id of ["login", "identity", "tls-session", "session-settings", "no-set-role", "no-session-authorization", "no-server-control", "no-server-files", "no-role-secrets", "no-foreign-statements", "no-foreign-activity", "no-foreign-signals", "no-create", "no-foreign-database"]) {
    for (const login of ["app", "migrator", "readonly"]) expect([id, detailOf(id)]).toEqual([id, matching(new RegExp(`\\b${login}\\b`))]);
  }
});

test("the service's login is refused by every other database of the server, each in a check of its own", async () => {
  const { checks } = await tier.validate();

  const details = checks.filter(({ id, service }) => id === "no-foreign-database" && service === "alpha").map(({ detail }) => detail);
  expect(details).toHaveLength(4);
  for (const database of ["beta_db", "bulkhead_template", "postgres", "template1"]) {
    expect(details).toContainEqual(matching(new RegExp(`^none of its 6 roles has CONNECT; app.*: ${database}: refused with 42501$`)));
  }
});

test("validation leaves nothing behind and moves no sequence", async () => {
  const before = await snapshot();
  await tier.validate();
  expect(await snapshot()).toEqual(before);
});

test("two validations at once do not disturb each other", async () => {
  const reports = await Promise.all([tier.validate(), tier.validate(["alpha"])]).catch((error: unknown) => error);
  // The readonly and migrator logins have 3 connections each, so two validations fit.
  expect(Array.isArray(reports) && reports.map(failedChecks)).toEqual([[], []]);
});

test("only the named services are looked at", async () => {
  const { checks } = await tier.validate(["beta", "web"]);
  expect(new Set(checks.map(({ service }) => service))).toEqual(new Set(["beta", "web"]));
});

test("PG* variables of the user's environment have no part in it", async () => {
  const before = { ...process.env };
  Object.assign(process.env, { PGHOST: "192.0.2.1", PGPORT: "1", PGUSER: "nobody", PGPASSWORD: "wrong", PGDATABASE: "nowhere", PGOPTIONS: "-c search_path=evil", PGSSLMODE: "disable" });
  try {
    expect(failedChecks(await tier.validate(["alpha"]))).toEqual([]);
  } finally {
    process.env = before;
  }
});

test("a compartment without a migration yet passes what can be tried, and names what is pending", async () => {
  await tier.asLogin("beta", "migrator", "DROP SCHEMA migrations CASCADE");
  await tier.provision();

  const report = await tier.validate(["beta"]);

  expect(failedChecks(report)).toEqual([expect.objectContaining({ id: "schema-version", detail: matching(/001_initial is pending/), heal: "npx bulkhead migrate up beta" })]);
  expect(report.checks).toContainEqual(expect.objectContaining({ id: "no-history-write", status: "skipped" }));
});

test("no detail holds a password", async () => {
  const text = JSON.stringify(await tier.validate());
  for (const service of ["alpha", "beta"]) {
    for (const login of ["app", "migrator", "readonly"] as const) {
      const secret = await tier.options.secrets.read({ service, login });
      expect(text).not.toContain(secret!.password);
    }
  }
});

test("the rules about live sessions are all proven in this file's tier", async () => {
  const { checks } = await tier.validate(["alpha"]);
  const passed = new Set(checks.filter(({ status }) => status === "passed").map(({ id }) => id));
  expect(Object.keys(LIVE_RULES).filter((rule) => !passed.has(rule as keyof typeof LIVE_RULES))).toEqual(["no-compartment"]);
});

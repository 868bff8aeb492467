import { defineServices } from "../../../manager/src/catalog/define-services";
import { migrate } from "../../../manager/src/migrate";
import { planTier } from "../../../manager/src/plan/plan-tier";
import type { TierPlan } from "../../../manager/src/plan/plan";
import { clientConfig } from "../../../manager/src/postgres/connect";
import { recordSetup } from "../../../manager/src/provision/books";
import { inspect, isConverged } from "../../../manager/src/provision/inspect";
import type { ProvisionOptions } from "../../../manager/src/provision/options";
import { provision } from "../../../manager/src/provision/provision";
import { prune } from "../../../manager/src/provision/prune";
import { SECRET_LOGINS } from "../../../manager/src/secrets/secret";
import { describeFound } from "../../support/describe-where";
import { inOldWords, obtainOtherPostgres, startOtherServer } from "../../support/other-postgres";
import type { OtherMajor, OtherPostgres } from "../../support/other-postgres";
import type { TestServer } from "../../support/server";
import { provisionOptions, runAsAdmin, runAsLogin, testPlan } from "../../support/tier";
import { Folders } from "../migrate/compartment";
import { DRIFTS } from "./drifts";

const CATALOG = defineServices({ auth: { port: 1 }, l2p: { port: 2 } });
const planFor = (postgresMajor: number): TierPlan => planTier(CATALOG, { ...testPlan(CATALOG).tier, postgresMajor });

/** Drift that is there before version 16 only. */
const OLD_DRIFTS: typeof DRIFTS = [
  { what: "a login that inherits nothing", in: "postgres", sql: ["ALTER ROLE auth_user NOINHERIT"], breaks: ["role-attributes"], says: /auth_user should be INHERIT/ },
  { what: "a migrator that inherits from the owner", in: "postgres", sql: ["ALTER ROLE auth_migrator INHERIT"], breaks: ["role-attributes"], says: /auth_migrator should be NOINHERIT/ },
  { what: "an operator whose rights are inherited", in: "postgres", sql: ["ALTER ROLE bulkhead_operator INHERIT LOGIN"], breaks: ["role-attributes"], says: /bulkhead_operator should be NOLOGIN NOINHERIT/ },
  { what: "an operator without the admin", in: "postgres", sql: ["REVOKE bulkhead_operator FROM bulkhead_admin"], breaks: ["role-membership"], says: /the admin is no member of bulkhead_operator/ },
  { what: "a service's login as an operator", in: "postgres", sql: ["GRANT bulkhead_operator TO l2p_user"], breaks: ["role-membership"], says: /l2p_user is a member of bulkhead_operator/ },
  { what: "somebody else as an operator", in: "postgres", sql: ["CREATE ROLE another_operator", "GRANT bulkhead_operator TO another_operator"], breaks: ["role-membership"], says: /another_operator is a member of bulkhead_operator/ },
  { what: "an owner that the operator is no member of", in: "postgres", sql: ["REVOKE auth_owner FROM bulkhead_operator"], breaks: ["role-membership"], says: /the admin cannot act as auth_owner/ },
  { what: "no operator at all", in: "postgres", sql: ["DROP ROLE bulkhead_operator"], breaks: ["role-exists", "role-membership"], says: /role bulkhead_operator does not exist/ },
];

describe.each([15, 16, 18] as const)("a server of another version", (major) => {
  describeFound(obtainOtherPostgres(major), `PostgreSQL ${major}`, (postgres) => provisionTests(major, postgres));
});

function provisionTests(major: OtherMajor, postgres: OtherPostgres): void {
  const plan = planFor(major);
  const folders = new Folders();
  let server: TestServer;
  let options: ProvisionOptions;
  beforeAll(async () => {
    server = await startOtherServer(postgres);
    options = provisionOptions(server);
  });
  afterAll(async () => {
    folders.remove();
    await server?.stop();
  });

  const findingsOf = async (run = plan): Promise<string[]> => {
    const { changes, credentials, manual } = await provision(run, options);
    return [...changes, ...credentials, ...manual].map(({ finding }) => finding);
  };

  test.each([14, 15, 16, 17, 18].filter((planned) => Math.min(planned, 17) !== Math.min(major, 17)))("refuses a plan for version %d before it changes anything", async (planned) => {
    const before = await runAsAdmin(server, "postgres", "SELECT json_agg(rolname ORDER BY 1) AS roles FROM pg_roles");
    if (planned === 14) expect(() => planFor(planned)).toThrow(expect.objectContaining({ code: "POSTGRES_TOO_OLD" }) as Error);
    else {
      const refused = expect.objectContaining({ code: "POSTGRES_VERSION_DIFFERS", message: `the server is PostgreSQL ${major}, but the plan is for ${planned}; nothing was changed` }) as Error;
      await expect(provision(planFor(planned), options)).rejects.toEqual(refused);
      await expect(inspect(planFor(planned), options)).rejects.toEqual(refused);
    }
    expect(await runAsAdmin(server, "postgres", "SELECT json_agg(rolname ORDER BY 1) AS roles FROM pg_roles")).toEqual(before);
    expect(await runAsAdmin(server, "postgres", "SELECT to_regnamespace('bulkhead') AS books")).toEqual([{ books: null }]);
  });

  test("makes everything in the first run, and finds nothing to do in the second", async () => {
    const report = await provision(plan, options);
    expect(report.manual).toEqual([]);
    expect(report.credentials).toHaveLength(plan.compartments.length * 3);
    expect(await findingsOf()).toEqual([]);
    for (const { service } of plan.compartments) {
      const session = await options.openSession("postgres");
      await recordSetup(session, service, "token").finally(() => session.end());
    }
    const { tier, compartments } = await inspect(plan, options);
    expect(tier).toEqual([]);
    expect(compartments.map(isConverged)).toEqual([true, true]);
  });

  test("every login gets in with its secret, the migrator acts as the owner and makes what the others may use", async () => {
    for (const { service, database, roles } of plan.compartments) {
      for (const login of SECRET_LOGINS) {
        const [row] = await runAsLogin(options, { service, login }, "SELECT current_database() AS database, session_user AS login, current_user AS role");
        const role = login === "app" ? roles.users[0] : roles[login];
        expect(row).toEqual({ database: database.name, login: role, role: login === "migrator" ? roles.owner : role });
      }
    }
    const statements = ['CREATE TABLE t (id serial PRIMARY KEY, "odd ""col" text)', "CREATE VIEW v AS SELECT id FROM t", "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql RETURN $1"];
    await runAsLogin(options, { service: "auth", login: "migrator" }, ...statements);
    const secret = (await options.secrets.read({ service: "l2p", login: "migrator" }))!;
    const directory = await folders.make({ "001_t.sql": `${statements.join(";\n")};\n` });
    expect(await migrate({ client: clientConfig(secret, "bulkhead test"), service: "l2p", owner: "l2p_owner", directory, readers: ["l2p_app", "l2p_readonly"] })).toMatchObject({ schemaVersion: 1 });
    for (const service of ["auth", "l2p"]) expect(await runAsLogin(options, { service, login: "app" }, "INSERT INTO t DEFAULT VALUES", "SELECT id, f(2) FROM v")).toEqual([{ id: 1, f: 2 }]);
    expect(await findingsOf()).toEqual([]);
  });

  test("the admin may act as every owner and has none of their rights as it stands; nobody else may", async () => {
    for (const owner of ["auth_owner", "l2p_owner", "bulkhead_monitor"]) {
      expect(await runAsAdmin(server, "postgres", `SELECT pg_has_role('${owner}', 'USAGE') AS inherits, pg_has_role('auth_user', '${owner}', 'MEMBER') AS others`)).toEqual([{ inherits: false, others: false }]);
      expect(await runAsAdmin(server, "postgres", `SET ROLE ${owner}`, "SELECT current_user AS role")).toEqual([{ role: owner }]);
    }
    await expect(runAsAdmin(server, "auth_db", "SELECT * FROM public.t")).rejects.toMatchObject({ code: "42501" });
    await expect(runAsLogin(options, { service: "auth", login: "migrator" }, "SET ROLE NONE", "SELECT * FROM public.t")).rejects.toMatchObject({ code: "42501" });
  });

  // 16 and 18 have the local target's memberships, on which every drift is tried.
  if (major < 16) test.each([...DRIFTS, ...OLD_DRIFTS])("$what is named by inspect and healed by provision", async (drift) => {
    await runAsAdmin(server, drift.in, ...drift.sql.map((sql) => inOldWords(major, sql)));

    const inspection = await inspect(plan, { ...options, probe: false });
    const found = [...inspection.tier, ...inspection.compartments.flatMap(({ changes }) => changes)];
    await provision(plan, { ...options, probe: false });

    expect(await findingsOf()).toEqual([]);
    expect(found.filter((change) => change.manual)).toEqual([]);
    expect(new Set(found.map(({ rule }) => rule))).toEqual(new Set(drift.breaks));
    expect(found.map(({ finding }) => finding).join("\n")).toMatch(drift.says);
  });

  test("a password that was changed by hand is set to the secret's again", async () => {
    await runAsAdmin(server, "postgres", "ALTER ROLE auth_user PASSWORD 'by hand'");
    expect(await findingsOf()).toEqual(["role auth_user has another password than its secret"]);
    await runAsLogin(options, { service: "auth", login: "app" }, "SELECT 1");
  });

  test("a service that has left the catalog is pruned, and made anew when it comes back", async () => {
    const [auth] = plan.compartments;
    const without: TierPlan = { ...plan, compartments: [auth!] };
    expect(await prune(without, "l2p", options)).toMatchObject({ database: "l2p_db", roles: expect.arrayContaining(["l2p_owner", "l2p_user"]) as string[] });
    expect(await findingsOf(without)).toEqual([]);
    expect(await findingsOf()).toContain("database l2p_db does not exist");
    expect(await findingsOf()).toEqual([]);
  });
}

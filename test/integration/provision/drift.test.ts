import { defineServices } from "../../../manager/src/catalog/define-services";
import { inspect } from "../../../manager/src/provision/inspect";
import type { ProvisionOptions } from "../../../manager/src/provision/options";
import { provision } from "../../../manager/src/provision/provision";
import { startTestServer } from "../../support/server";
import type { TestServer } from "../../support/server";
import { provisionOptions, runAsAdmin, runAsLogin, testPlan } from "../../support/tier";
import { asOwner, DRIFTS } from "./drifts";

const PLAN = testPlan(defineServices({ auth: { port: 1 }, l2p: { port: 2 } }));

describe("drift made by hand", () => {
  let server: TestServer;
  let options: ProvisionOptions;
  beforeAll(async () => {
    server = await startTestServer();
    options = provisionOptions(server);
    await provision(PLAN, options);
    await runAsLogin(options, { service: "auth", login: "migrator" }, 'CREATE TABLE t (id serial PRIMARY KEY, "odd ""col" text)', "CREATE VIEW v AS SELECT id FROM t", "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql RETURN $1");
    expect((await provision(PLAN, options)).changes).toEqual([]);
  });
  afterAll(() => server.stop());

  const expectNothingLeft = async (): Promise<void> => {
    const { changes, manual, credentials } = await provision(PLAN, { ...options, probe: false });
    expect({ changes, manual, credentials }).toEqual({ changes: [], manual: [], credentials: [] });
  };

  test.each(DRIFTS)("$what is named by inspect and healed by provision", async (drift) => {
    await runAsAdmin(server, drift.in, ...drift.sql);

    const inspection = await inspect(PLAN, { ...options, probe: false });
    const found = [...inspection.tier, ...inspection.compartments.flatMap(({ changes }) => changes)];
    const { manual } = await provision(PLAN, { ...options, probe: false });
    await expectNothingLeft();

    expect(manual).toEqual([]);
    expect(found.filter((change) => change.manual)).toEqual([]);
    expect(new Set(found.map(({ rule }) => rule))).toEqual(new Set(drift.breaks));
    expect(found.map(({ finding }) => finding).join("\n")).toMatch(drift.says);
  });

  test("a database that was dropped by hand is made again", async () => {
    await runAsAdmin(server, "postgres", "GRANT l2p_owner TO bulkhead_admin WITH INHERIT TRUE", "DROP DATABASE l2p_db", "GRANT l2p_owner TO bulkhead_admin WITH INHERIT FALSE");
    expect((await inspect(PLAN, options)).compartments[1]!.changes.map(({ rule }) => rule)).toContain("database-exists");
    await provision(PLAN, options);
    await expectNothingLeft();
    await runAsLogin(options, { service: "l2p", login: "app" }, "SELECT 1");
  });

  test("roles that were dropped by hand come back with their rights, and the passwords that the services have", async () => {
    const before = await options.secrets.read({ service: "auth", login: "readonly" });
    // DROP OWNED takes back what others granted only with the grantors' rights.
    const rights = "auth_owner, bulkhead_monitor";
    await runAsAdmin(server, "postgres", `GRANT ${rights}, auth_readonly, auth_app TO bulkhead_admin WITH INHERIT TRUE`);
    await runAsAdmin(server, "auth_db", "DROP OWNED BY auth_readonly, auth_app", "DROP ROLE auth_readonly, auth_app");
    await runAsAdmin(server, "postgres", `GRANT ${rights} TO bulkhead_admin WITH INHERIT FALSE`);
    const { changes, credentials } = await provision(PLAN, options);
    expect(changes.filter(({ rule }) => rule === "role-exists").map(({ finding }) => finding)).toEqual(["role auth_app does not exist", "role auth_readonly does not exist"]);
    expect(credentials.map(({ role }) => role)).toEqual(["auth_readonly"]);
    expect(await options.secrets.read({ service: "auth", login: "readonly" })).toEqual(before);
    await expectNothingLeft();
    await runAsLogin(options, { service: "auth", login: "readonly" }, "SELECT * FROM t");
    await runAsLogin(options, { service: "auth", login: "app" }, "INSERT INTO t DEFAULT VALUES");
  });

  test("a transaction that is open in the database, with a table locked, holds nothing up", async () => {
    const holder = await options.openSession("auth_db");
    await holder.query("SET ROLE auth_owner");
    await holder.query("GRANT ALL ON t TO PUBLIC");
    await holder.query("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; CREATE TABLE waiting (i int)");
    try {
      expect((await provision(PLAN, { ...options, probe: false })).changes.map(({ rule }) => rule)).toEqual(["object-privileges"]);
    } finally {
      await holder.query("ROLLBACK");
      await holder.end();
    }
    await expectNothingLeft();
  });

  test("a thousand tables are read and healed in one run", async () => {
    await runAsLogin(options, { service: "auth", login: "migrator" }, "DO $$ BEGIN FOR i IN 1..1000 LOOP EXECUTE format('CREATE TABLE many_%s (id serial PRIMARY KEY)', i); END LOOP; END $$");
    await runAsAdmin(server, "auth_db", ...asOwner("REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM auth_readonly", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC"));
    const { changes } = await provision(PLAN, { ...options, probe: false });
    expect(changes.length).toBeGreaterThan(1000);
    await expectNothingLeft();
  });
});

import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { defineServices } from "../../../manager/src/catalog/define-services";
import type { TierPlan } from "../../../manager/src/plan/plan";
import { recordSetup } from "../../../manager/src/provision/books";
import { inspect, isConverged } from "../../../manager/src/provision/inspect";
import type { ProvisionOptions } from "../../../manager/src/provision/options";
import { provision } from "../../../manager/src/provision/provision";
import { scramVerifier } from "../../../manager/src/postgres/scram";
import { generatePassword, SECRET_LOGINS } from "../../../manager/src/secrets/secret";
import { startTestServer } from "../../support/server";
import type { TestServer } from "../../support/server";
import { provisionOptions, runAsAdmin, runAsLogin, testPlan } from "../../support/tier";

const HOSTILE_NAMES = ['quo"te', "it's; DROP DATABASE auth_db", "ünïcödé 🚢", "select", "x".repeat(63), "a/b?c#d%20&e=f", "  "];
const CATALOG = defineServices({
  auth: { port: 1 },
  l2p: { port: 2 },
  frontend: { port: 3, database: null },
  ...Object.fromEntries(HOSTILE_NAMES.map((database, index) => [`odd-${index}`, { port: 10 + index, database }])),
});

describe("provision", () => {
  let server: TestServer;
  let options: ProvisionOptions;
  let plan: TierPlan;
  beforeAll(async () => {
    server = await startTestServer();
    options = provisionOptions(server);
    plan = testPlan(CATALOG);
  });
  afterAll(() => server.stop());

  const secretPath = (service: string, login: string): string => join(server.directory, "secrets", service, `${login}.json`);
  const nothingToDo = async (): Promise<void> => {
    const { changes, credentials, manual } = await provision(plan, options);
    expect({ changes, credentials: credentials.map(({ finding }) => finding), manual }).toEqual({ changes: [], credentials: [], manual: [] });
  };

  test("makes everything in the first run, reports it, and makes nothing in the second", async () => {
    const lines: string[] = [];
    const report = await provision(plan, { ...options, progress: (line) => lines.push(line) });
    expect(report.manual).toEqual([]);
    expect(report.credentials).toHaveLength(plan.compartments.length * 3);
    expect(new Set(report.changes.map(({ service }) => service))).toEqual(new Set(["tier", ...plan.compartments.map(({ service }) => service)]));
    expect(lines.length).toBeGreaterThan(0);
    await nothingToDo();
  });

  test("gives every login a secret that works end to end, also in databases with hostile names", async () => {
    for (const { service, database, roles } of plan.compartments) {
      for (const login of SECRET_LOGINS) {
        const [row] = await runAsLogin(options, { service, login }, "SELECT current_database() AS database, session_user AS login, current_user AS role");
        const role = login === "app" ? roles.users[0] : roles[login];
        expect(row).toEqual({ database: database.name, login: role, role: login === "migrator" ? roles.owner : role });
      }
    }
  });

  test("lets the migrator make tables, the app use them, the reader read them, and none of them more", async () => {
    await runAsLogin(options, { service: "auth", login: "migrator" }, "CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY, name text)", "CREATE FUNCTION one() RETURNS int LANGUAGE sql RETURN 1");
    expect(await runAsLogin(options, { service: "auth", login: "app" }, "INSERT INTO users (name) VALUES ('a')", "SELECT name, one() FROM users")).toEqual([{ name: "a", one: 1 }]);
    expect(await runAsLogin(options, { service: "auth", login: "readonly" }, "SELECT name FROM users")).toEqual([{ name: "a" }]);
    const refused = expect.objectContaining({ code: "42501" }) as Error;
    for (const sql of ["CREATE TABLE t (i int)", "CREATE TEMP TABLE t (i int)", "DROP TABLE users", "TRUNCATE users", "SET ROLE auth_owner", "SET ROLE auth_app", "CREATE SCHEMA s", "SELECT pg_read_file('PG_VERSION')"]) {
      await expect(runAsLogin(options, { service: "auth", login: "app" }, sql)).rejects.toEqual(refused);
    }
    await expect(runAsLogin(options, { service: "auth", login: "readonly" }, "SET default_transaction_read_only = off", "DELETE FROM users")).rejects.toEqual(refused);
    await expect(runAsLogin(options, { service: "auth", login: "readonly" }, "DELETE FROM users")).rejects.toMatchObject({ code: "25006" });
    await nothingToDo();
  });

  test("lets no login into another service's database", async () => {
    for (const login of SECRET_LOGINS) {
      const secret = (await options.secrets.read({ service: "auth", login }))!;
      const store = { ...options.secrets, read: () => Promise.resolve({ ...secret, dbname: "l2p_db" }) };
      await expect(runAsLogin({ secrets: store }, { service: "auth", login }, "SELECT 1")).rejects.toMatchObject({ code: "42501" });
    }
  });

  test("shows a service the statistics of its own statements and nobody else's", async () => {
    await runAsLogin(options, { service: "auth", login: "app" }, "SELECT 1 AS marker_of_auth");
    await runAsLogin(options, { service: "l2p", login: "app" }, "SELECT 1 AS marker_of_l2p");
    for (const login of SECRET_LOGINS) {
      const rows = await runAsLogin(options, { service: "auth", login }, "SELECT query FROM bulkhead.statements WHERE query LIKE 'SELECT $1 AS marker_of%'");
      expect(rows).toEqual([{ query: "SELECT $1 AS marker_of_auth" }]);
      await expect(runAsLogin(options, { service: "auth", login }, "SELECT * FROM extensions.pg_stat_statements")).rejects.toMatchObject({ code: "42501" });
    }
  });

  test("changes only the services that it is told to", async () => {
    await runAsAdmin(server, "postgres", "ALTER ROLE auth_user CONNECTION LIMIT 1", "ALTER ROLE l2p_user CONNECTION LIMIT 1");
    const { changes } = await provision(plan, { ...options, services: ["auth"] });
    expect(changes.map(({ service, rule }) => `${service} ${rule}`)).toEqual(["auth role-connection-limit"]);
    expect((await provision(plan, options)).changes.map(({ service, rule }) => `${service} ${rule}`)).toEqual(["l2p role-connection-limit"]);
  });

  describe("passwords", () => {
    const healed = async (): Promise<string[]> => {
      const { credentials } = await provision(plan, options);
      await nothingToDo();
      for (const login of SECRET_LOGINS) await runAsLogin(options, { service: "auth", login }, "SELECT 1");
      return credentials.map(({ login, finding }) => `${login}: ${finding}`);
    };

    test.each<[what: string, harm: () => unknown, finding: string]>([
      ["lost", () => rmSync(secretPath("auth", "app")), "missing or not whole"],
      ["emptied", () => writeFileSync(secretPath("auth", "app"), ""), "missing or not whole"],
      ["half-written", () => writeFileSync(secretPath("auth", "app"), readFileSync(secretPath("auth", "app"), "utf8").slice(0, 100)), "missing or not whole"],
      ["set by hand to one of somebody's own making", () => editSecret("auth", "app", { password: "hunter2" }), "did not make"],
      ["taken from elsewhere", () => editSecret("auth", "app", { password: generatePassword() }), "another password"],
      ["copied from another service", async () => editSecret("auth", "app", (await options.secrets.read({ service: "l2p", login: "app" }))!), "another password"],
    ])("heals a secret that was %s", async (_what, harm, finding) => {
      await harm();
      expect(await healed()).toEqual([expect.stringContaining(finding)]);
    });

    test("heals a role whose password was changed or removed by hand, and keeps the secret as it is", async () => {
      const before = readFileSync(secretPath("auth", "app"), "utf8");
      await runAsAdmin(server, "postgres", `ALTER ROLE auth_user PASSWORD '${await scramVerifier("other")}'`, "ALTER ROLE auth_readonly PASSWORD NULL");
      expect(await healed()).toEqual([expect.stringMatching(/^app: .*another password/), expect.stringMatching(/^readonly: .*another password/)]);
      expect(readFileSync(secretPath("auth", "app"), "utf8")).toBe(before);
    });

    test("writes the secrets anew when the server has moved, and keeps the passwords", async () => {
      const before = (await options.secrets.read({ service: "auth", login: "app" }))!;
      const moved: ProvisionOptions = { ...options, probe: false, endpoint: { ...options.endpoint, port: options.endpoint.port + 1 } };
      const { credentials, changes } = await provision(plan, moved);
      expect(changes).toEqual([]);
      expect(new Set(credentials.map(({ setPassword }) => setPassword))).toEqual(new Set([false]));
      expect(await options.secrets.read({ service: "auth", login: "app" })).toMatchObject({ port: before.port + 1, password: before.password, url: before.url.replace(`:${before.port}/`, `:${before.port + 1}/`) });
      await provision(plan, options);
      await nothingToDo();
    });

    test("keeps the standby login of a pair as the live one after a rotation", async () => {
      const stored = (await options.secrets.read({ service: "auth", login: "app" }))!;
      editSecret("auth", "app", { username: "auth_user_b", url: stored.url.replace("auth_user", "auth_user_b") });
      expect((await provision(plan, options)).credentials.map(({ role }) => role)).toEqual(["auth_user_b"]);
      await nothingToDo();
      expect(await runAsLogin(options, { service: "auth", login: "app" }, "SELECT session_user AS login")).toEqual([{ login: "auth_user_b" }]);
    });

    test("refuses a folder in a secret's place", async () => {
      const text = readFileSync(secretPath("auth", "app"));
      rmSync(secretPath("auth", "app"));
      mkdirSync(secretPath("auth", "app"));
      await expect(provision(plan, options)).rejects.toMatchObject({ code: "SECRET_FILE_UNREADABLE" });
      rmSync(secretPath("auth", "app"), { recursive: true });
      writeFileSync(secretPath("auth", "app"), text);
      chmodSync(secretPath("auth", "app"), 0o600);
      await nothingToDo();
    });

    test("are in no log, statistics view or session list, nor are their verifiers", async () => {
      const secrets = plan.compartments.flatMap(({ service }) => SECRET_LOGINS.map((login) => JSON.parse(readFileSync(secretPath(service, login), "utf8")) as { password: string }));
      const log = readdirSync(server.directory).filter((name) => name.endsWith(".log")).map((name) => readFileSync(join(server.directory, name), "utf8")).join("");
      const [seen] = await runAsAdmin(server, "postgres", "SET ROLE bulkhead_monitor", "RESET ROLE", "SELECT (SELECT string_agg(query, ' ') FROM pg_stat_activity) AS activity");
      const statements = await runAsAdmin(server, "auth_db", "SELECT query FROM extensions.pg_stat_statements");
      expect(statements.length).toBeGreaterThan(10);
      const haystack = [log, JSON.stringify(seen), JSON.stringify(statements)].join("\n");
      for (const { password } of secrets) expect(haystack.includes(password)).toBe(false);
      expect(haystack).not.toMatch(/SCRAM-SHA-256\$/);
    });

    function editSecret(service: string, login: string, edit: object): void {
      writeFileSync(secretPath(service, login), JSON.stringify({ ...(JSON.parse(readFileSync(secretPath(service, login), "utf8")) as object), ...edit }));
    }
  });

  test("is converged only when a setup that ended well stands in the books", async () => {
    const isDone = async (): Promise<boolean> => isConverged((await inspect(plan, { ...options, services: ["auth"] })).compartments[0]!);
    expect(await isDone()).toBe(false);
    const client = await options.openSession("postgres");
    await recordSetup(client, "auth", "token-1");
    await client.end();
    expect(await isDone()).toBe(true);
    expect((await inspect(plan, { ...options, services: ["auth"] })).compartments[0]!.token).toBe("token-1");
    await runAsAdmin(server, "postgres", "DROP SCHEMA bulkhead CASCADE");
    expect(await isDone()).toBe(false);
    await nothingToDo();
    expect(await runAsAdmin(server, "postgres", "SELECT count(*)::int AS rows FROM bulkhead.compartment")).toEqual([{ rows: plan.compartments.length }]);
  });

  test("reports a service that has left the catalog and touches nothing of it", async () => {
    const smaller = testPlan(defineServices({ auth: { port: 1 } }));
    const inspection = await inspect(smaller, options);
    expect(inspection.leftBehind.map(({ service }) => service)).toContain("l2p");
    expect((await provision(smaller, options)).changes).toEqual([]);
    await runAsLogin(options, { service: "l2p", login: "app" }, "SELECT 1");
    await nothingToDo();
  });

  test("refuses to give a service another database while the old one is there", async () => {
    const renamed = testPlan(defineServices({ auth: { port: 1, database: "auth_new" } }));
    const refusal = { code: "DATABASE_RENAMED", hint: expect.stringContaining('ALTER DATABASE "auth_db" RENAME TO "auth_new"') as string };
    await expect(provision(renamed, options)).rejects.toMatchObject(refusal);
    await expect(inspect(renamed, options)).rejects.toMatchObject(refusal);
  });

  test("refuses to give one service the database of another", async () => {
    await expect(provision(testPlan(defineServices({ authentication: { port: 1, database: "auth_db" } })), options)).rejects.toMatchObject({ code: "DATABASE_TAKEN", message: expect.stringContaining("auth_db") as string });
  });

  test("follows a database that was renamed by hand together with the catalog", async () => {
    await runAsAdmin(server, "postgres", "GRANT l2p_owner TO bulkhead_admin WITH INHERIT TRUE", "ALTER DATABASE l2p_db RENAME TO l2p_new", "GRANT l2p_owner TO bulkhead_admin WITH INHERIT FALSE");
    const renamed = testPlan(defineServices({ l2p: { port: 1, database: "l2p_new" } }));
    expect((await provision(renamed, options)).changes).toEqual([]);
    expect(await runAsLogin(options, { service: "l2p", login: "app" }, "SELECT current_database() AS name")).toEqual([{ name: "l2p_new" }]);
  });

  test("refuses a database that belongs to somebody else, before anything is changed", async () => {
    await runAsAdmin(server, "postgres", "SET createrole_self_grant = 'set'", "CREATE ROLE stranger CREATEDB", "SET ROLE stranger", "CREATE DATABASE foreign_db");
    const foreign = testPlan(defineServices({ foreign: { port: 1 } }));
    await expect(provision(foreign, options)).rejects.toMatchObject({ code: "DATABASE_FOREIGN", message: expect.stringContaining("stranger") as string, hint: expect.stringContaining("ALTER DATABASE") as string });
    expect(await runAsAdmin(server, "postgres", "SELECT FROM pg_roles WHERE rolname LIKE 'foreign%'")).toEqual([]);
  });

  test("names a role that somebody else made, and says who has to help", async () => {
    await runAsAdmin(server, "postgres", "SET createrole_self_grant = 'set'", "CREATE ROLE other_admin CREATEROLE", "SET ROLE other_admin", "CREATE ROLE taken_app LOGIN");
    const error: unknown = await provision(testPlan(defineServices({ taken: { port: 1 } })), options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "PROVISION_STATEMENT_FAILED", message: expect.stringContaining("taken_app") as string, hint: expect.stringContaining("WITH ADMIN OPTION") as string });
    expect(await runAsAdmin(server, "postgres", "SELECT datconnlimit FROM pg_database WHERE datname = 'taken_db' AND datconnlimit <> 0")).toEqual([]);
  });

  test("names the extension that the admin may not make where the template brings none", async () => {
    const bare = testPlan(defineServices({ bare: { port: 1 } }));
    const error: unknown = await provision({ ...bare, tier: { ...bare.tier, template: "template0" } }, options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "PROVISION_STATEMENT_FAILED", message: expect.stringContaining("pg_stat_statements") as string, hint: expect.stringContaining("template") as string });
  });

  test("stops when it is told to, and goes on from there in the next run", async () => {
    const late = testPlan(defineServices({ "late-a": { port: 1 }, "late-b": { port: 2 }, "late-c": { port: 3 } }));
    const stop = new AbortController();
    await expect(provision(late, { ...options, signal: stop.signal, progress: () => stop.abort() })).rejects.toMatchObject({ name: "AbortError" });
    expect((await provision(late, options)).changes).not.toEqual([]);
    expect((await provision(late, options)).changes).toEqual([]);
    for (const service of ["late-a", "late-b", "late-c"]) await runAsLogin(options, { service, login: "app" }, "SELECT 1");
  });
});

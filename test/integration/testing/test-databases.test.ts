import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPool } from "../../../manager/src/pool";
import type { Pool } from "../../../manager/src/pool";
import { DatabaseManager } from "../../../manager/src/sessions";
import { TestDatabases, createTestDatabase, sweepTestDatabases } from "../../../manager/src/testing";
import type { TestDatabase, TestDatabaseServer } from "../../../manager/src/testing";
import { startTestServer } from "../../support/server";
import type { TestServer } from "../../support/server";
import { runAsAdmin } from "../../support/tier";
import { serviceNamed, testDatabaseServer } from "./support";

let server: TestServer;
const pools: Pool[] = [];
const made: TestDatabases[] = [];

beforeAll(async () => {
  server = await startTestServer({ maxConnections: 100 });
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close({ graceMs: 0 })));
  await Promise.all(made.splice(0).map((databases) => databases.close()));
});
afterAll(() => server?.stop());

function databases(more: Partial<TestDatabaseServer> = {}): TestDatabases {
  const instance = new TestDatabases(testDatabaseServer(server, more));
  made.push(instance);
  return instance;
}
function poolOf({ pool: options }: TestDatabase, more: object = {}): Pool {
  const pool = createPool({ ...options, max: 2, ...more });
  pools.push(pool);
  return pool;
}
const names = async (like = "bulkhead\\_t%"): Promise<unknown[]> => (await runAsAdmin(server, "postgres", `SELECT datname FROM pg_database WHERE datname LIKE '${like}' ORDER BY 1`)).map(({ datname }) => datname);
const roles = async (): Promise<unknown[]> => runAsAdmin(server, "postgres", "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname LIKE 'bulkhead\\_test\\_%'");
const addUser = (pool: Pool, email: string): Promise<unknown> => pool.query("INSERT INTO users (email, password_hash, username) VALUES ($1, 'hash', $1)", [email]);

describe("isolation between two test databases of one service", () => {
  let first: TestDatabase;
  let second: TestDatabase;
  beforeEach(async () => {
    const both = databases();
    [first, second] = await Promise.all([both.create(serviceNamed("auth")), both.create(serviceNamed("auth"))]);
  });

  test("what one writes the other does not see, at the same time and with the same keys", async () => {
    await Promise.all([addUser(poolOf(first), "ada@example.org"), addUser(poolOf(second), "ada@example.org")]);
    await addUser(poolOf(first), "bob@example.org");
    const count = async (database: TestDatabase): Promise<unknown> => (await poolOf(database).query("SELECT count(*)::int AS n FROM users")).rows;
    expect([await count(first), await count(second)]).toEqual([[{ n: 2 }], [{ n: 1 }]]);
  });

  test("the login of one cannot connect to the other, nor to anything else", async () => {
    for (const database of [second.name, "postgres", "template1", ...(await names("bulkhead\\_tpl%"))]) {
      await expect(poolOf(first, { database }).query("SELECT 1")).rejects.toMatchObject({ code: expect.stringMatching(/^42501$|^55000$/) as string });
    }
  });

  test("one that is dropped takes nothing of the other, and leaves nothing of its own", async () => {
    const pool = poolOf(first);
    await pool.query("SELECT 1");
    await first.drop();
    await first.drop();
    await addUser(poolOf(second), "eve@example.org");
    expect(await names("bulkhead\\_test%")).toEqual([second.name]);
    expect(await roles()).toEqual([{ rolname: second.name }]);
  });
});

test("the login may do what a service's login may: rows yes, tables no", async () => {
  const pool = poolOf(await databases().create(serviceNamed("auth")));
  await addUser(pool, "ada@example.org");
  await expect(pool.query("DELETE FROM users")).resolves.toMatchObject({ rowCount: 1 });
  for (const sql of ["CREATE TABLE t (n int)", "DROP TABLE users", "CREATE TEMP TABLE t (n int)", "UPDATE migrations.history SET version = 0", "SET ROLE bulkhead_test_owner"]) {
    await expect(pool.query(sql)).rejects.toMatchObject({ code: "42501" });
  }
});

test.each(["accounts", "apihub", "auth", "backend", "exploits", "l2p", "payment", "videovault"])("the migrations of %s make a template", async (service) => {
  const pool = poolOf(await databases().create(serviceNamed(service)));
  const { rows } = await pool.query<{ n: number }>("SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'public'");
  expect(rows[0]?.n).toBeGreaterThan(2);
});

test("DatabaseManager runs on one with the secret that it gives", async () => {
  const { secret } = await databases().create(serviceNamed("auth"));
  const manager = await new DatabaseManager({ config: { url: secret.url } }).open();
  await manager.session({}, (session) => session.query("INSERT INTO users (email, password_hash, username) VALUES ('a@b', 'h', 'a')"));
  await expect(manager.query("SELECT username FROM users")).resolves.toMatchObject({ rows: [{ username: "a" }] });
  await manager.close();
});

test("the template is made once, however many ask at the same moment", async () => {
  const lines: string[] = [];
  await Promise.all(Array.from({ length: 4 }, () => databases({ progress: (line) => lines.push(line) }).create({ ...serviceNamed("l2p"), name: "asked_by_many" })));
  expect(lines.filter((line) => line.includes("making the template"))).toHaveLength(1);
  expect(await names("bulkhead\\_tpl\\_asked%")).toHaveLength(1);
});

test("another migration makes another template, and a broken one leaves none", async () => {
  const root = mkdtempSync(join(tmpdir(), "bulkhead-testing-"));
  try {
    const directory = join(root, "auth");
    cpSync(serviceNamed("auth").directory, directory, { recursive: true });
    const service = { name: "auth_changed", directory };
    await databases().create(service);
    writeFileSync(join(directory, "900_more.sql"), "CREATE TABLE more (n int);\n");
    writeFileSync(join(directory, "900_more.rollback.sql"), "DROP TABLE more;\n");
    await poolOf(await databases().create(service)).query("SELECT * FROM more");
    expect(await names("bulkhead\\_tpl\\_auth\\_changed%")).toHaveLength(2);
    writeFileSync(join(directory, "901_broken.sql"), "CREATE TABLE more (n int);\n");
    writeFileSync(join(directory, "901_broken.rollback.sql"), "SELECT 1;\n");
    await expect(databases().create(service)).rejects.toMatchObject({ code: "MIGRATION_FAILED" });
    expect(await names("bulkhead\\_tpl\\_auth\\_changed%")).toHaveLength(2);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test("a template that was swept away meanwhile is made anew", async () => {
  const instance = databases();
  await instance.create(serviceNamed("videovault"));
  const [template] = await names("bulkhead\\_tpl\\_videovault%");
  await runAsAdmin(server, "postgres", `DROP DATABASE "${String(template)}"`);
  await instance.create(serviceNamed("videovault"));
  expect(await names("bulkhead\\_tpl\\_videovault%")).toEqual([template]);
});

test("what a crash left is swept away when it is old and nobody is connected", async () => {
  const old = await databases().create(serviceNamed("auth"));
  const inUse = await databases().create(serviceNamed("auth"));
  await poolOf(inUse).query("SELECT 1");
  const admin = await testDatabaseServer(server).openSession("postgres");
  try {
    expect(await sweepTestDatabases(admin, 3_600_000)).toEqual([]);
    expect(await sweepTestDatabases(admin, 3_600_000, Date.now() + 3_700_000)).toEqual([old.name]);
    expect(await sweepTestDatabases(admin, 3_600_000, Date.now() + 8 * 24 * 3_600_000)).toEqual(expect.arrayContaining([expect.stringMatching(/^bulkhead_tpl_auth_/)]));
  } finally {
    await admin.end();
  }
  expect(await roles()).toEqual([{ rolname: inUse.name }]);
  expect(await names("bulkhead\\_test%")).toEqual([inUse.name]);
});

test("createTestDatabase makes one, and its end leaves no database, no login and no session", async () => {
  const sessions = async (): Promise<unknown> => (await runAsAdmin(server, "postgres", "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'bulkhead test databases'"))[0]?.["n"];
  const database = await createTestDatabase(serviceNamed("auth"), testDatabaseServer(server));
  expect(await sessions()).toBe(1);
  await database.drop();
  expect([await names("bulkhead\\_test%"), await roles()]).toEqual([[], []]);
  await expect(createTestDatabase({ name: "none", directory: "/nowhere" }, testDatabaseServer(server))).rejects.toMatchObject({ code: "MIGRATION_FOLDER_MISSING" });
});

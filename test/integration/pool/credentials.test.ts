import { createPool } from "../../../manager/src/pool";
import type { PasswordRequest, Pool, PoolOptions } from "../../../manager/src/pool";
import { adminConfig, poolConfig, startPoolServer } from "../../support/pool";
import type { TestServer } from "../../support/server";

let server: TestServer;
const pools: Pool[] = [];

beforeAll(async () => {
  server = await startPoolServer();
});
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close({ graceMs: 0 }))));
afterAll(() => server?.stop());

function newPool(options: PoolOptions): Pool {
  const pool = createPool({ ...poolConfig(server), ...options });
  pools.push(pool);
  return pool;
}

test("a rotated secret is read again once, by all connections together", async () => {
  const admin = newPool({ ...adminConfig(server), max: 1 });
  await admin.query("CREATE ROLE rotated LOGIN PASSWORD 'first'");
  const requests: boolean[] = [];
  const secrets = { cached: "first", stored: "first" };
  const password = async (_target: unknown, { refresh }: PasswordRequest): Promise<string> => {
    requests.push(refresh);
    await new Promise(setImmediate);
    if (refresh) secrets.cached = secrets.stored;
    return secrets.cached;
  };
  const pool = newPool({ user: "rotated", password, maxUses: 1, max: 3 });
  await pool.query("SELECT 1");
  await admin.query("ALTER ROLE rotated PASSWORD 'second'");
  secrets.stored = "second";
  requests.length = 0;
  await Promise.all([pool.query("SELECT pg_sleep(0.05)"), pool.query("SELECT pg_sleep(0.05)"), pool.query("SELECT pg_sleep(0.05)")]);
  expect(requests.filter((refresh) => refresh)).toHaveLength(1);
  secrets.stored = secrets.cached = "neither";
  await expect(pool.query("SELECT 1")).rejects.toMatchObject({ code: "28P01" });
  await pool.end();
  await admin.query("DROP ROLE rotated");
});

test("a secret that cannot be read is the caller's error, and the pool goes on", async () => {
  let fails = true;
  const { password } = poolConfig(server);
  const pool = newPool({
    password: () => {
      if (fails) throw new Error("the secret store is away");
      return password as string;
    },
  });
  await expect(pool.query("SELECT 1")).rejects.toThrow("the secret store is away");
  expect(pool.totalCount).toBe(0);
  fails = false;
  await expect(pool.query("SELECT 1")).resolves.toBeDefined();
});

test("the password is shown by no way of printing a pool or its errors", async () => {
  const pool = newPool({ password: "hunter2" });
  const error = await pool.query("SELECT 1").catch((thrown: unknown) => thrown);
  const shown = [JSON.stringify(pool.options), String(error), JSON.stringify(error), Object.keys(pool.options).join()].join("\n");
  expect(shown).not.toContain("hunter2");
  expect(pool.options.password).toBe("hunter2");
});

test("behind a transaction pooler nothing is named, and a session is refused", async () => {
  const pool = newPool({ pooler: "transaction", max: 1 });
  await expect(pool.query({ name: "named", text: "SELECT 1 AS one" })).resolves.toMatchObject({ rows: [{ one: 1 }] });
  await expect(pool.query("SELECT count(*)::int AS names FROM pg_prepared_statements")).resolves.toMatchObject({ rows: [{ names: 0 }] });
  await expect(pool.acquire({ session: true })).rejects.toMatchObject({ code: "POOL_SESSION_UNSUPPORTED" });
});

test("behind a session pooler settings do not travel in the startup packet and hold all the same", async () => {
  const pool = newPool({ pooler: "session", statement_timeout: 4321, lock_timeout: 1234, max: 1 });
  const settings = "SELECT name, setting, source FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout') ORDER BY name";
  await expect(pool.query(settings)).resolves.toMatchObject({ rows: [{ setting: "1234", source: "session" }, { setting: "4321", source: "session" }] });
  const session = await pool.acquire({ session: true });
  await session.query("SET lock_timeout = 1");
  session.release();
  await expect(pool.query(settings)).resolves.toMatchObject({ rows: [{ setting: "1234" }, { setting: "4321" }] });
});

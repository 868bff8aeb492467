import { createPool } from "../../../manager/src/pool";
import type { Credentials, PasswordRequest, Pool, PoolOptions } from "../../../manager/src/pool";
import { underLoad } from "../../support/load";
import { adminConfig, poolConfig, startPoolServer, until } from "../../support/pool";
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

/** Two logins of one service, as a rotation has them, and the secret that names one of them. */
async function pairOfLogins(admin: Pool, name: string): Promise<{ readonly first: Credentials; readonly second: Credentials; readonly sessionsOf: (login: Credentials) => Promise<number>; readonly drop: () => Promise<void> }> {
  const first = { user: name, password: "first" };
  const second = { user: `${name}_b`, password: "second" };
  for (const { user, password } of [first, second]) await admin.query(`CREATE ROLE ${user} LOGIN PASSWORD '${password}'`);
  return {
    first,
    second,
    sessionsOf: async ({ user }) => (await admin.query<{ count: number }>("SELECT count(*)::int AS count FROM pg_stat_activity WHERE usename = $1", [user])).rows[0]!.count,
    drop: async () => void (await admin.query(`DROP ROLE ${first.user}, ${second.user}`)),
  };
}

test.each([
  ["may not log in any more", (user: string) => `ALTER ROLE ${user} NOLOGIN`],
  ["has another password", (user: string) => `ALTER ROLE ${user} PASSWORD 'third'`],
])("a pool under load follows its secret to the other login when the first one %s, and no call fails", async (_how, lock) => {
  const admin = newPool({ ...adminConfig(server), max: 1 });
  const { first, second, sessionsOf, drop } = await pairOfLogins(admin, "pair");
  const secret = { cached: first, stored: first };
  const refreshes: string[] = [];
  const credentials = (_target: unknown, { refresh }: PasswordRequest): Credentials => {
    if (refresh) {
      secret.cached = secret.stored;
      refreshes.push(secret.cached.user);
    }
    return secret.cached;
  };
  // Connections are short-lived: the lock is met again and again.
  const pool = newPool({ user: undefined, password: undefined, credentials, max: 4, maxUses: 5 });
  const users = new Set<string>();
  const work = async (): Promise<void> => void users.add((await pool.query<{ user: string }>("SELECT current_user AS user")).rows[0]!.user);
  const failures = await underLoad(8, work, async (load) => {
    await until(() => load.succeeded > 50, "the pool works");
    secret.stored = second;
    await admin.query(lock(first.user));
    await until(() => users.has(second.user), "the pool logs in as the second");
    await until(async () => (await sessionsOf(first)) === 0, "nobody is logged in as the first");
  });
  expect(failures).toEqual([]);
  expect(refreshes).toEqual([second.user]);
  await pool.end();
  await drop();
});

test("a pool leaves a login that its secret names no more before it is locked; connections that are lent come back first", async () => {
  const admin = newPool({ ...adminConfig(server), max: 1 });
  const { first, second, sessionsOf, drop } = await pairOfLogins(admin, "left");
  let stored = first;
  const removed: string[] = [];
  const observer = { onRemove: (reason: string) => void removed.push(reason) };
  const pool = newPool({ user: undefined, password: undefined, credentials: () => stored, credentialsRefreshMs: 100, max: 3, observer });
  const held = await pool.connect();
  for (const other of await Promise.all([pool.connect(), pool.connect()])) other.release();
  expect(await sessionsOf(first)).toBe(3);
  stored = second;
  await until(async () => (await sessionsOf(first)) === 1, "idle connections of the first are closed");
  await expect(held.query("SELECT current_user AS user")).resolves.toMatchObject({ rows: [{ user: first.user }] });
  held.release();
  await until(async () => (await sessionsOf(first)) === 0, "the lent one is closed when it comes back");
  expect(removed).toEqual(["login-changed", "login-changed", "login-changed"]);
  await expect(pool.query("SELECT current_user AS user")).resolves.toMatchObject({ rows: [{ user: second.user }] });
  await pool.end();
  await drop();
});

test("sessions that the server cuts with the old login fail, and nothing else does", async () => {
  const admin = newPool({ ...adminConfig(server), max: 1 });
  const { first, second, drop } = await pairOfLogins(admin, "cut");
  const secret = { cached: first, stored: first };
  const pool = newPool({
    user: undefined,
    password: undefined,
    max: 4,
    credentials: (_target, { refresh }) => {
      if (refresh) secret.cached = secret.stored;
      return secret.cached;
    },
  });
  const users = new Set<string>();
  const work = async (): Promise<void> => void users.add((await pool.query<{ user: string }>("SELECT current_user AS user")).rows[0]!.user);
  const failures = await underLoad(8, work, async (load) => {
    await until(() => load.succeeded > 50, "the pool works");
    secret.stored = second;
    await admin.query(`ALTER ROLE ${first.user} NOLOGIN`);
    await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", [first.user]);
    await until(() => users.has(second.user), "the pool logs in as the second");
  });
  // One for each session that was cut, at most.
  expect(failures.length).toBeLessThanOrEqual(4);
  for (const error of failures) expect(String((error as { code?: string }).code ?? (error as Error).message)).toMatch(/^(57P01|ECONNRESET|EPIPE|Connection terminated unexpectedly)$/);
  await pool.end();
  await drop();
});

test("credentials that both logins are refused with are the caller's error", async () => {
  const pool = newPool({ user: undefined, password: undefined, credentials: () => ({ user: "nobody_such", password: "none" }) });
  await expect(pool.query("SELECT 1")).rejects.toMatchObject({ code: "28P01" });
  expect(pool.totalCount).toBe(0);
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

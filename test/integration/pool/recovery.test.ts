import { createPool } from "../../../manager/src/pool";
import type { Pool, PoolOptions } from "../../../manager/src/pool";
import { startFaultProxy } from "../../support/fault-proxy";
import { poolConfig, startPoolServer, until } from "../../support/pool";
import type { TestServer } from "../../support/server";

let server: TestServer;
const pools: Pool[] = [];

beforeAll(async () => {
  server = await startPoolServer();
});
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close({ graceMs: 0 }))));
afterAll(() => server?.stop());

function newPool(options: PoolOptions = {}): Pool {
  const pool = createPool({ ...poolConfig(server), max: 1, ...options });
  pools.push(pool);
  return pool;
}

async function pidOf(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return rows[0]?.pid ?? 0;
}

test.each(["open", "failed"])("a transaction left %s is rolled back before the next borrower, on the same connection", async (kind) => {
  const statuses: string[] = [];
  const pool = newPool({ observer: { onTransactionLeft: (status) => statuses.push(status) } });
  const pid = await pidOf(pool);
  const client = await pool.connect();
  await client.query("CREATE TEMP TABLE IF NOT EXISTS t (n int)");
  await client.query("BEGIN");
  await client.query("INSERT INTO t VALUES (1)");
  if (kind === "failed") await expect(client.query("SELECT 1 / 0")).rejects.toMatchObject({ code: "22012" });
  client.release();
  await expect(pool.query("SELECT count(*)::int AS n FROM t")).resolves.toMatchObject({ rows: [{ n: 0 }] });
  expect(await pidOf(pool)).toBe(pid);
  expect(statuses).toEqual([kind === "open" ? "T" : "E"]);
});

test("nothing of a session is inherited by the next borrower", async () => {
  const pool = newPool();
  const pid = await pidOf(pool);
  const session = await pool.acquire({ session: true });
  await session.query("SET work_mem = '123MB'");
  await session.query("SET search_path = nowhere");
  await session.query("SELECT pg_advisory_lock(4711)");
  await session.query("LISTEN news");
  await session.query("CREATE TEMP TABLE leftover (n int)");
  await session.query({ name: "kept", text: "SELECT 1" });
  session.release();
  const left = await pool.query(
    "SELECT current_setting('work_mem') AS memory, (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory') AS locks, (SELECT count(*)::int FROM pg_listening_channels()) AS channels, to_regclass('pg_temp.leftover') AS leftover",
  );
  expect(left.rows).toEqual([{ memory: expect.not.stringContaining("123") as string, locks: 0, channels: 0, leftover: null }]);
  await expect(pool.query({ name: "kept", text: "SELECT 1 AS one" })).resolves.toMatchObject({ rows: [{ one: 1 }] });
  expect(await pidOf(pool)).toBe(pid);
});

test("what onConnect set up is set up again after a session", async () => {
  const pool = newPool({ onConnect: (client) => client.query("SET application_name = 'set up'") });
  const session = await pool.acquire({ session: true });
  await session.query("SET application_name = 'changed'");
  session.release();
  await expect(pool.query("SHOW application_name")).resolves.toMatchObject({ rows: [{ application_name: "set up" }] });
});

test("with discardOnRelease every borrower leaves nothing behind", async () => {
  const pool = newPool({ discardOnRelease: true });
  const client = await pool.connect();
  await client.query("SET work_mem = '123MB'");
  client.release();
  await expect(pool.query("SHOW work_mem")).resolves.toMatchObject({ rows: [{ work_mem: expect.not.stringContaining("123") as string }] });
});

test("a query still running when its client is given back does not meet the next borrower", async () => {
  const pool = newPool();
  const client = await pool.connect();
  const forgotten = client.query("SELECT pg_sleep(0.2)");
  client.release();
  expect(pool.idleCount).toBe(0);
  await expect(pool.query("SELECT 1 AS one")).resolves.toMatchObject({ rows: [{ one: 1 }] });
  await forgotten;
});

test("a query past its deadline fails with a code, its backend stops, and the pool goes on", async () => {
  const pool = newPool({ queryTimeoutMs: 1_000, application_name: "deadline" });
  await expect(pool.query("SELECT pg_sleep(30)")).rejects.toMatchObject({ code: "POOL_QUERY_TIMEOUT" });
  await expect(pool.query("SELECT 1 AS one")).resolves.toMatchObject({ rows: [{ one: 1 }] });
  const active = "SELECT FROM pg_stat_activity WHERE application_name = 'deadline' AND pid <> pg_backend_pid()";
  await until(async () => (await pool.query(active)).rowCount === 0, "the backend was cancelled and has gone");
});

test("a query may have a deadline of its own, which does not leave it running", async () => {
  const pool = newPool();
  const client = await pool.connect();
  const query = { text: "SELECT pg_sleep(30)", query_timeout: 100 };
  await expect(client.query(query)).rejects.toMatchObject({ code: "POOL_QUERY_TIMEOUT" });
  client.release();
  expect(pool.totalCount).toBe(0);
});

test("a slow query is no outage: other connections stay", async () => {
  const pool = newPool({ max: 2, queryTimeoutMs: 1_000 });
  const other = await pool.connect();
  const slow = pool.query("SELECT pg_sleep(30)");
  await expect(slow).rejects.toMatchObject({ code: "POOL_QUERY_TIMEOUT" });
  other.release();
  await pool.query("SELECT 1");
  expect(pool.stats()).toMatchObject({ downSince: undefined, total: 1 });
});

test("a dead idle connection costs one validation, not one for each of its generation", async () => {
  const proxy = await startFaultProxy(server);
  const reasons: string[] = [];
  const pool = newPool({ ...poolConfig(server, proxy), max: 5, validateAfterIdleMs: 0, validationTimeoutMs: 200, observer: { onRemove: (reason) => reasons.push(reason) } });
  const clients = await Promise.all(Array.from({ length: 5 }, () => pool.connect()));
  clients.forEach((client) => client.release());
  await proxy.set({ kind: "black-hole" });
  const query = pool.query("SELECT 1 AS one");
  await until(() => reasons.includes("validation"), "the validation failed");
  await proxy.clear();
  await expect(query).resolves.toMatchObject({ rows: [{ one: 1 }] });
  expect(reasons.filter((reason) => reason === "validation")).toHaveLength(1);
  expect(reasons.filter((reason) => reason === "generation")).toHaveLength(4);
  await pool.end();
  await proxy.stop();
});

test("a server that the validation refuses is not used", async () => {
  let refuse = false;
  const pool = newPool({
    validateAfterIdleMs: 0, acquireTimeoutMs: 300,
    validateConnection: async () => {
      if (refuse) throw new Error("in recovery");
    },
  });
  await pool.query("SELECT 1");
  refuse = true;
  await expect(pool.query("SELECT 1")).rejects.toThrow("in recovery");
  refuse = false;
  await expect(pool.query("SELECT 1")).resolves.toBeDefined();
});

test("a blocked event loop is not taken for a dead database", async () => {
  const reasons: string[] = [];
  const pool = newPool({ max: 3, queryTimeoutMs: 1_000, connectTimeoutMs: 1_000, validateAfterIdleMs: 0, validationTimeoutMs: 1_000, observer: { onRemove: (reason) => reasons.push(reason) } });
  const clients = await Promise.all([pool.connect(), pool.connect()]);
  const running = clients.map((client) => client.query("SELECT 1"));
  const opening = pool.query("SELECT 1");
  const until = performance.now() + 2_000;
  while (performance.now() < until);
  await Promise.all([...running, opening]);
  clients.forEach((client) => client.release());
  const validated = pool.query("SELECT 1");
  const end = performance.now() + 2_000;
  while (performance.now() < end);
  await validated;
  expect(reasons).toEqual([]);
  expect(pool.stats().downSince).toBeUndefined();
});

test("nor where it is blocked between the alarm and the look at what is due", async () => {
  const reasons: string[] = [];
  let blocked: (() => void) | undefined;
  const pool = newPool({
    max: 2, idleTimeoutMillis: 50, queryTimeoutMs: 1_000,
    observer: {
      onRemove: (reason) => {
        reasons.push(reason);
        // The alarm has rung, to retire the idle connection; this runs right before it looks at the others.
        if (reason === "idle") setImmediate(() => blocked?.());
      },
    },
  });
  const clients = await Promise.all([pool.connect(), pool.connect()]);
  const running = new Promise((resolve, reject) => {
    blocked = () => {
      clients[0]?.query("SELECT 1").then(resolve, reject);
      const until = performance.now() + 2_000;
      while (performance.now() < until);
    };
  });
  clients[1]?.release();
  await running;
  expect(reasons).toEqual(["idle"]);
  clients[0]?.release();
});

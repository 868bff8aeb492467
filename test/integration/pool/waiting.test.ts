import type { PoolClient } from "pg";
import { createPool } from "../../../manager/src/pool";
import type { Pool, PoolObserver, PoolOptions } from "../../../manager/src/pool";
import { startFaultProxy } from "../../support/fault-proxy";
import { adminConfig, poolConfig, startPoolServer, until } from "../../support/pool";
import type { TestServer } from "../../support/server";

let server: TestServer;
const pools: Pool[] = [];
/** What a caller has time for that needs a connection opened, in tests where the pool's own callers have little. */
const OPENING_MS = 30_000;

beforeAll(async () => {
  server = await startPoolServer();
});
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close({ graceMs: 0 }))));
afterAll(() => server?.stop());

function newPool(options: PoolOptions = {}): Pool {
  const pool = createPool({ ...poolConfig(server), ...options });
  pools.push(pool);
  return pool;
}

test("a caller that gets no connection in time is told the pool's counts and keeps nobody waiting", async () => {
  const pool = newPool({ max: 1, acquireTimeoutMs: 50, name: "orders" });
  const client = await pool.acquire({ timeoutMs: OPENING_MS });
  await expect(pool.connect()).rejects.toMatchObject({
    code: "POOL_ACQUIRE_TIMEOUT", total: 1, idle: 0, waiting: 0,
    message: expect.stringContaining('pool "orders" had no connection') as string,
    hint: expect.stringContaining("leaks") as string,
  });
  client.release();
  await expect(pool.query("SELECT 1 AS one")).resolves.toMatchObject({ rows: [{ one: 1 }] });
});

test("a caller may have a deadline of its own", async () => {
  const pool = newPool({ max: 1, acquireTimeoutMs: 60_000 });
  const client = await pool.connect();
  await expect(pool.acquire({ timeoutMs: 20 })).rejects.toMatchObject({ code: "POOL_ACQUIRE_TIMEOUT" });
  client.release();
});

test("a caller may stop waiting", async () => {
  const pool = newPool({ max: 1 });
  const client = await pool.connect();
  const controller = new AbortController();
  const waiting = pool.acquire({ signal: controller.signal });
  expect(pool.waitingCount).toBe(1);
  controller.abort(new Error("the request was closed"));
  await expect(waiting).rejects.toMatchObject({ code: "POOL_ACQUIRE_ABORTED", cause: { message: "the request was closed" } });
  expect(pool.waitingCount).toBe(0);
  await expect(pool.acquire({ signal: controller.signal })).rejects.toMatchObject({ code: "POOL_ACQUIRE_ABORTED" });
  client.release();
});

test("a full queue refuses at once", async () => {
  const pool = newPool({ max: 1, maxWaiting: 1 });
  const client = await pool.connect();
  const waiting = pool.connect();
  await expect(pool.connect()).rejects.toMatchObject({ code: "POOL_QUEUE_FULL" });
  client.release();
  (await waiting).release();
});

test("urgent callers are served first, and nobody starves", async () => {
  const pool = newPool({ max: 1, priorityAgeingMs: 300 });
  const client = await pool.connect();
  const order: string[] = [];
  const wait = async (name: string, priority: "high" | "normal" | "low"): Promise<void> => {
    const mine = await pool.acquire({ priority });
    order.push(name);
    mine.release();
  };
  const early = wait("low, early", "low");
  await new Promise((resolve) => setTimeout(resolve, 700));
  const late = [wait("low, late", "low"), wait("normal", "normal"), wait("high", "high")];
  client.release();
  await Promise.all([early, ...late]);
  expect(order).toEqual(["low, early", "high", "normal", "low, late"]);
});

test("one user cannot take all connections", async () => {
  const pool = newPool({ max: 3, maxPerUser: 2 });
  const greedy = await Promise.all([pool.acquire({ user: "greedy" }), pool.acquire({ user: "greedy" })]);
  const third = pool.acquire({ user: "greedy" });
  const modest = await pool.acquire({ user: "modest" });
  expect(pool.waitingCount).toBe(1);
  modest.release();
  expect(pool.waitingCount).toBe(1);
  greedy[0].release();
  (await third).release();
  greedy[1].release();
});

test("callers wait on the pool: a connection that comes back serves them before the one being opened for them", async () => {
  const proxy = await startFaultProxy(server, { connectDelayMs: 400 });
  const pool = newPool({ ...poolConfig(server, proxy), max: 5 });
  const first = await pool.connect();
  const second = pool.connect();
  first.release();
  const client = await second;
  expect(client).toBe(first);
  client.release();
  await pool.end();
  await proxy.stop();
});

test("a spike on a warm pool opens no connections that would come too late", async () => {
  const proxy = await startFaultProxy(server, { connectDelayMs: 1_000 });
  const pool = newPool({ ...poolConfig(server, proxy), max: 50 });
  const warm = await Promise.all(Array.from({ length: 5 }, () => pool.connect()));
  warm.forEach((client) => client.release());
  await Promise.all(Array.from({ length: 50 }, () => pool.query("SELECT pg_sleep(0.002)")));
  expect(proxy.accepted).toBeLessThanOrEqual(10);
  await pool.end();
  await proxy.stop();
});

test("a connection given back broken is replaced for the caller that waits", async () => {
  const pool = newPool({ max: 1 });
  const client = await pool.connect();
  const waiting = pool.connect();
  client.release(true);
  const next = await waiting;
  expect(next).not.toBe(client);
  expect(pool.totalCount).toBe(1);
  next.release();
});

test("a connection that is held without a query is reported once, with the place that acquired it, and again when it comes back", async () => {
  const reports: string[] = [];
  const leaked: Promise<PoolClient>[] = [];
  const observer: PoolObserver = {
    onLeak: ({ stack, user }) => reports.push(`leak of ${user}: ${stack}`),
    onLeakResolved: () => reports.push("resolved"),
  };
  const pool = newPool({ max: 2, leakThresholdMs: 100, leakDetection: "always", observer });
  const busy = pool.query("SELECT pg_sleep(0.6)");
  leaked.push(pool.acquire({ user: "the leaker" }));
  await busy;
  await until(() => reports.length > 0, "the leak is reported");
  expect(reports).toEqual([expect.stringMatching(/^leak of the leaker: .*waiting\.test\.ts/s)]);
  (await leaked[0])?.release();
  expect(reports.at(-1)).toBe("resolved");
});

test("too many clients is no outage: who waits is served by what is there", async () => {
  const own = createPool({ ...adminConfig(server), max: 1 });
  await own.query("ALTER ROLE pool_test CONNECTION LIMIT 3");
  try {
    const limits: number[] = [];
    const pool = newPool({ max: 10, observer: { onBackpressure: (max) => limits.push(max) } });
    const results = await Promise.all(Array.from({ length: 20 }, () => pool.query("SELECT pg_sleep(0.02)")));
    expect(results).toHaveLength(20);
    expect(limits.length).toBeGreaterThan(0);
    expect(pool.stats()).toMatchObject({ max: 10, downSince: undefined });
    expect(pool.stats().effectiveMax).toBeLessThan(10);
    await pool.end();
  } finally {
    await own.query("ALTER ROLE pool_test CONNECTION LIMIT -1");
    await own.end();
  }
});

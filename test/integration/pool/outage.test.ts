import { createPool } from "../../../manager/src/pool";
import type { Pool, PoolOptions } from "../../../manager/src/pool";
import { startFaultProxy } from "../../support/fault-proxy";
import type { Fault, FaultProxy } from "../../support/fault-proxy";
import { adminConfig, poolConfig, startPoolServer, until } from "../../support/pool";
import type { TestServer } from "../../support/server";

let server: TestServer;
let proxy: FaultProxy;
let pool: Pool;

beforeAll(async () => {
  server = await startPoolServer();
});
beforeEach(async () => {
  proxy = await startFaultProxy(server);
});
afterEach(async () => {
  await pool.close({ graceMs: 0 });
  await proxy.stop();
});
afterAll(() => server?.stop());

function newPool(options: PoolOptions = {}): Pool {
  pool = createPool({ ...poolConfig(server, proxy), ...options });
  return pool;
}

/** Has one connection opened, however short the pool's own callers are kept. */
async function openOne(): Promise<void> {
  (await pool.acquire({ timeoutMs: 30_000 })).release();
}

test.each<Fault>([{ kind: "down" }, { kind: "black-hole" }, { kind: "reset" }])("callers that wait through an outage ($kind) are served at its end, and no caller of afterwards fails", async (fault) => {
  const downs: boolean[] = [];
  newPool({ acquireTimeoutMs: 20_000, queryTimeoutMs: 1000, validationTimeoutMs: 200, validateAfterIdleMs: 0, observer: { onDown: (down) => downs.push(down) } });
  await Promise.all(Array.from({ length: 5 }, () => pool.query("SELECT pg_sleep(0.01)")));
  await proxy.set(fault);
  const waiting = Array.from({ length: 10 }, () => pool.query("SELECT 1"));
  await until(() => downs.length === 1, "the outage is noticed");
  expect(pool.stats().downSince).toBeGreaterThan(0);
  await proxy.clear();
  await expect(Promise.all(waiting)).resolves.toHaveLength(10);
  await expect(Promise.all(Array.from({ length: 10 }, () => pool.query("SELECT 1")))).resolves.toHaveLength(10);
  expect(downs).toEqual([true, false]);
  expect(pool.stats()).toMatchObject({ downSince: undefined, waiting: 0, inUse: 0 });
});

test("while the database is down it is asked by one attempt at a time, not by every caller", async () => {
  newPool({ acquireTimeoutMs: 600, max: 20 });
  await openOne();
  await proxy.set({ kind: "reset" });
  // Before the pool knows of it, callers that wait for longer than opening takes get a connection each, as they should.
  await until(() => pool.totalCount === 0, "the end of the idle connection is noticed");
  const before = proxy.accepted;
  const startedAt = performance.now();
  const calls = await Promise.allSettled(Array.from({ length: 50 }, () => pool.query("SELECT 1")));
  expect(calls.every(({ status }) => status === "rejected")).toBe(true);
  // 50 ms or more apart, however long the callers' 600 ms took here; 50 callers would have made 50.
  expect(proxy.accepted - before).toBeLessThanOrEqual(1 + (performance.now() - startedAt) / 50);
});

test("the error of a caller that waited in vain says why the database could not be reached", async () => {
  newPool({ acquireTimeoutMs: 150 });
  await openOne();
  await proxy.set({ kind: "down" });
  await until(() => pool.totalCount === 0, "the end of the idle connection is noticed");
  await expect(pool.query("SELECT 1")).rejects.toMatchObject({ code: "POOL_ACQUIRE_TIMEOUT", cause: { code: "ECONNREFUSED" }, hint: expect.stringContaining("could not be reached") as string });
});

test("a pool that never had a connection says at once what is wrong", async () => {
  await proxy.set({ kind: "down" });
  newPool({ acquireTimeoutMs: 60_000 });
  await expect(pool.query("SELECT 1")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  newPool({ ...poolConfig(server), acquireTimeoutMs: 60_000, database: "no such database" });
  await expect(pool.query("SELECT 1")).rejects.toMatchObject({ code: "3D000" });
});

test("the connect deadline covers set-up hooks that never end", async () => {
  newPool({ connectTimeoutMs: 300, acquireTimeoutMs: 5000, onConnect: () => new Promise(() => undefined) });
  await expect(pool.query("SELECT 1")).rejects.toMatchObject({ code: "POOL_CONNECT_TIMEOUT", message: expect.stringContaining("connection timeout") as string });
  expect(pool.totalCount).toBe(0);
});

test("connections that the server ends while they are idle or lent harm nobody", async () => {
  newPool({ max: 3 });
  const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()]);
  clients[0].release();
  const admin = createPool({ ...adminConfig(server), max: 1 });
  await admin.query("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'pool_test'");
  await admin.end();
  await until(() => pool.totalCount === 2, "the idle one has gone; the lent ones still count");
  await expect(clients[1].query("SELECT 1")).rejects.toThrow();
  clients[1].release();
  clients[2].release();
  expect(pool.totalCount).toBe(0);
  await expect(pool.query("SELECT 1 AS one")).resolves.toMatchObject({ rows: [{ one: 1 }] });
});

import type { Client } from "pg";
import { ConnectionMonitor, renderPrometheus } from "../../../manager/src/monitor";
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

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.end()));
});

afterAll(() => server.stop());

function watched(options: PoolOptions = {}, through?: { readonly port: number }): { pool: Pool; monitor: ConnectionMonitor } {
  const pool = createPool({ ...poolConfig(server, through), max: 4, ...options });
  pools.push(pool);
  return { pool, monitor: new ConnectionMonitor({ slowQueryMs: 50 }).watch(pool) };
}

test("queries on the pool, on a client, by callback and with a name are counted once each, by fingerprint", async () => {
  const { pool, monitor } = watched();
  await pool.query("SELECT 1 AS one");
  await pool.query("select $1::int as one", [2]);
  await pool.query({ name: "named", text: "SELECT relname FROM pg_class WHERE oid = $1", values: [1] });
  const client = await pool.connect();
  await client.query("SELECT relname FROM pg_class WHERE oid = 1259 -- of the catalog");
  await new Promise((resolve) => client.query("SELECT relname FROM pg_class WHERE oid IN (1, 2, 3)", resolve));
  client.release();
  await expect(pool.query("SELECT missing FROM pg_class")).rejects.toThrow();
  const statements = await monitor.getStatements();
  expect(statements.map(({ text, count, errors }) => [text, count, errors]).sort()).toEqual([
    // To the parser, a cast of a constant is a constant, and IN of one is =.
    ["select ? as one", 2, 0],
    ["select missing from pg_class", 1, 1],
    ["select relname from pg_class where oid = ?", 3, 0],
  ]);
  expect(monitor.getMetrics()).toMatchObject({ totals: { queries: 6, queryErrors: 1, acquired: 5 }, pool: { inUse: 0 } });
  expect(await renderPrometheus([monitor])).toContain('error_type="42703"} 1');
});

test("a slow query is kept, a full pool is seen while it is full, and time is shared out rightly", async () => {
  const { pool, monitor } = watched({ acquireTimeoutMs: 1_500, max: 2 });
  const held = await Promise.all([pool.connect(), pool.connect()]);
  await expect(pool.connect()).rejects.toMatchObject({ code: "POOL_ACQUIRE_TIMEOUT" });
  await held[0].query("SELECT pg_sleep(0.06)");
  expect(monitor.stats()).toMatchObject({ inUse: 2 });
  for (const client of held) client.release();
  expect(monitor.getSlowQueries()).toMatchObject([{ text: "select pg_sleep(?)" }]);
  const { totals, windows } = monitor.getMetrics();
  expect(totals).toMatchObject({ acquired: 2, acquireErrors: 1, slowQueries: 1 });
  expect(windows.minute.hold.maxMs).toBeGreaterThanOrEqual(1_500);
  expect(windows.fiveMinutes.query.p99Ms).toBeGreaterThanOrEqual(50);
});

test("a leak is told, and that it came back", async () => {
  const { pool, monitor } = watched({ leakThresholdMs: 1_000 });
  const client = await pool.connect();
  await until(() => monitor.totals.leaks === 1, "the leak is told");
  expect(monitor.getHealthStatus().reasons).toMatchObject([{ code: "leaks" }]);
  client.release();
  expect(monitor.getHealthStatus().status).toBe("healthy");
});

test("an outage is seen, and its end", async () => {
  const proxy = await startFaultProxy(server);
  const { pool, monitor } = watched({ acquireTimeoutMs: 1_500, connectTimeoutMs: 1_000 }, proxy);
  await pool.query("SELECT 1");
  expect(monitor.getHealthStatus()).toMatchObject({ status: "healthy", ready: true });
  await proxy.set({ kind: "down" });
  await until(async () => {
    await pool.query("SELECT 1").catch(() => undefined);
    return !monitor.getHealthStatus().ready;
  }, "the outage is seen");
  expect(monitor.getHealthStatus()).toMatchObject({ status: "critical" });
  await proxy.clear();
  await until(async () => {
    await pool.query("SELECT 1").catch(() => undefined);
    return monitor.getHealthStatus().ready;
  }, "the end of the outage is seen");
  await Promise.all(pools.splice(0).map((one) => one.end()));
  await proxy.stop();
});

test("a monitor that fails leaves the pool alone", async () => {
  const { pool, monitor } = watched();
  monitor.onLeak(undefined as unknown as { client: Client; heldMs: number; stack: undefined; user: undefined });
  expect(monitor.active).toBe(false);
  expect((await pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
});

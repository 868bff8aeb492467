import type { Client } from "pg";
import { usedBytes } from "../../../bench/support/heap";
import { ConnectionMonitor } from "../../../manager/src/monitor";
import { IDLE, Traffic } from "./traffic";

const failed = (code: string, message = "no"): Error => Object.assign(new Error(message), { code, severity: "ERROR" });
const client = {} as Client;

describe("statements", () => {
  test("are counted by fingerprint, whatever their constants, with errors and quantiles", async () => {
    const { monitor } = new Traffic();
    for (let ms = 1; ms <= 100; ms++) monitor.onQuery(`SELECT a FROM users WHERE id = ${ms}`, ms, ms === 7 ? failed("23505") : undefined);
    monitor.onQuery("SELECT b, a FROM users", 1, undefined);
    monitor.onQuery("SELECT a, b FROM users", 1, undefined);
    const [first, second] = await monitor.getStatements();
    expect(first).toMatchObject({ summary: "SELECT users", text: "select a from users where id = ?", count: 100, errors: 1, meanMs: 50.5, maxMs: 100, totalMs: 5050 });
    expect(first?.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    for (const [got, exact] of [[first?.p50Ms, 50], [first?.p95Ms, 95], [first?.p99Ms, 99]] as const) expect(Math.abs((got ?? 0) - exact)).toBeLessThan(0.033 * exact);
    // The parser sees that these are one.
    expect(second?.count).toBe(2);
  });

  test("that find no room are counted together, and old ones make room", async () => {
    const traffic = new Traffic({ statementsMax: 10, sqlParser: false });
    const { monitor } = traffic;
    for (let table = 0; table < 30; table++) monitor.onQuery(`SELECT a FROM t${table}`, 1, undefined);
    expect(await monitor.getStatements()).toHaveLength(11);
    expect((await monitor.getStatements())[0]).toMatchObject({ fingerprint: "other", count: 20 });
    traffic.nowMs += 2 * 3_600_000;
    monitor.onQuery("SELECT a FROM newcomer", 1, undefined);
    monitor.onQuery("SELECT a FROM newcomer", 1, undefined);
    const statements = await monitor.getStatements();
    expect(statements.reduce((sum, { count }) => sum + count, 0)).toBe(32);
    expect(statements.map(({ summary }) => summary)).toContain("SELECT newcomer");
  });

  test("hold memory within 5 MB at 100,000 different ones, and no more at 200,000", () => {
    const fill = (monitor: ConnectionMonitor, from: number, to: number): void => {
      for (let table = from; table < to; table++) monitor.onQuery(`SELECT id, name FROM t${table} WHERE id = $1 AND state = 'open'`, 1, undefined);
    };
    // Code that runs for the first time takes memory of its own.
    fill(new Traffic().monitor, 0, 5_000);
    const empty = usedBytes();
    const { monitor } = new Traffic();
    fill(monitor, 0, 100_000);
    const once = usedBytes() - empty;
    fill(monitor, 100_000, 200_000);
    const twice = usedBytes() - empty;
    expect(once).toBeLessThan(5 * 1024 * 1024);
    expect(twice - once).toBeLessThan(512 * 1024);
    expect(monitor.active).toBe(true);
  });

  test("of days of traffic do not make it grow", async () => {
    const traffic = new Traffic({ sqlParser: false, statementsMax: 100 });
    const day = async (number: number): Promise<number> => {
      let most = 0;
      for (let minute = 0; minute < 24 * 60; minute++) {
        traffic.nowMs += 60_000;
        traffic.monitor.onAcquire(0.1);
        for (let query = 0; query < 20; query++) traffic.monitor.onQuery(`SELECT ${query} FROM day_${number}_${minute % 97}`, 2_000, undefined);
        traffic.monitor.onRelease(3);
        if (minute % 240 === 0) {
          await traffic.monitor.getStatements();
          traffic.monitor.getHealthStatus();
          most = Math.max(most, usedBytes());
        }
      }
      return most;
    };
    await day(1);
    const early = await day(2);
    await day(3);
    // The table of 100 rows fills and empties in between; two days have 57,600 different texts.
    expect((await day(4)) - early).toBeLessThan(512 * 1024);
  });
});

describe("slow queries and leaks", () => {
  test("a slow query is kept without its constants, the latest first, and only so many", () => {
    const { monitor } = new Traffic({ slowQueryMs: 100, slowQueriesKept: 2 });
    monitor.onQuery("SELECT 1", 99, undefined);
    monitor.onQuery("SELECT pg_sleep(1)", 100, undefined);
    monitor.onQuery("UPDATE users SET password = 'hunter2' /* hunter2 */", 200, failed("57014", "canceling statement due to statement timeout"));
    monitor.onQuery("DELETE FROM t WHERE a = 'hunter2'", 300, undefined);
    const slow = monitor.getSlowQueries();
    expect(slow.map(({ text, durationMs, error }) => [text, durationMs, error])).toEqual([
      ["delete from t where a = ?", 300, undefined],
      ["update users set password = ?", 200, "57014"],
    ]);
    expect(monitor.getMetrics().totals.slowQueries).toBe(3);
    expect(Math.abs((slow[0]?.atMs ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test("a leak is told with its stack, is a warning while it lasts, and none after", () => {
    const { monitor, lines } = new Traffic();
    const leak = { client, heldMs: 60_000, stack: "at handler (app.js:1)", user: "tenant-7" };
    monitor.onLeak(leak);
    expect(lines.join()).toContain("at handler (app.js:1)");
    expect(monitor.getLeaks()).toMatchObject([{ heldMs: 60_000, user: "tenant-7" }]);
    expect(monitor.getHealthStatus()).toMatchObject({ status: "warning", reasons: [{ code: "leaks" }] });
    monitor.onLeakResolved({ ...leak, heldMs: 70_000 });
    expect(monitor.getHealthStatus().status).toBe("healthy");
  });
});

describe("health", () => {
  const codes = (traffic: Traffic): string[] => traffic.monitor.getHealthStatus().reasons.map(({ code, level }) => `${code} ${level}`);

  test("an idle pool is healthy and ready", () => {
    expect(new Traffic().monitor.getHealthStatus()).toEqual({ name: "orders", status: "healthy", reasons: [], ready: true });
  });

  test("an unreachable database is critical and not ready, until it is back", () => {
    const traffic = new Traffic();
    traffic.monitor.onDown(true);
    expect(traffic.monitor.getHealthStatus()).toMatchObject({ status: "critical", ready: false });
    traffic.monitor.onDown(false);
    expect(traffic.monitor.getHealthStatus().status).toBe("healthy");
    traffic.stats = { ...IDLE, downSince: 1 };
    expect(codes(traffic)).toEqual(["unreachable critical"]);
  });

  test("failures of the database count, errors of the statement's data do not", () => {
    const traffic = new Traffic();
    for (let query = 0; query < 100; query++) traffic.monitor.onQuery("INSERT INTO t VALUES (1)", 1, failed("23505"));
    expect(codes(traffic)).toEqual([]);
    for (let query = 0; query < 10; query++) traffic.monitor.onQuery("SELECT 1", 1, new Error("Connection terminated unexpectedly"));
    expect(codes(traffic)).toEqual(["query-failures warning"]);
    for (let query = 0; query < 40; query++) traffic.monitor.onQuery("SELECT 1", 1, failed("57P01"));
    expect(codes(traffic)).toEqual(["query-failures critical"]);
    expect(traffic.monitor.getMetrics().windows.minute).toMatchObject({ errorRate: 1, failureRate: 50 / 150 });
    traffic.nowMs += 6 * 60_000;
    expect(codes(traffic)).toEqual([]);
  });

  test("callers without a connection, long waits, many slow queries and backpressure are reasons", () => {
    const traffic = new Traffic();
    for (let caller = 0; caller < 95; caller++) traffic.monitor.onAcquire(500);
    for (let caller = 0; caller < 5; caller++) traffic.monitor.onAcquireError(5_000, failed("POOL_ACQUIRE_TIMEOUT"));
    for (let query = 0; query < 100; query++) traffic.monitor.onQuery("SELECT 1", query < 20 ? 2_000 : 1, undefined);
    traffic.stats = { ...IDLE, effectiveMax: 12 };
    expect(codes(traffic)).toEqual(["backpressure warning", "acquire-failures warning", "acquire-wait warning", "slow-queries warning"]);
  });

  test("a pool that is full for a moment is healthy; full with a queue it is critical", () => {
    const traffic = new Traffic();
    traffic.nowMs += 300_000;
    traffic.stats = { ...IDLE, inUse: 20, idle: 0 };
    expect(codes(traffic)).toEqual([]);
    traffic.stats = { ...IDLE, inUse: 20, idle: 0, waiting: 3 };
    expect(codes(traffic)).toEqual(["utilisation critical"]);
  });

  test("thresholds can be set one by one", () => {
    const traffic = new Traffic({ thresholds: { waitP95Ms: [10, 20] } });
    for (let caller = 0; caller < 50; caller++) traffic.monitor.onAcquire(15);
    expect(codes(traffic)).toEqual(["acquire-wait warning"]);
  });
});

describe("windows", () => {
  test("hold rates, waits and connections in use of their own stretch of time", () => {
    const traffic = new Traffic({ seed: 3 });
    traffic.run(20, () => 50, 100);
    const { minute, fiveMinutes, hour } = traffic.monitor.getMetrics().windows;
    expect(hour.spanMs).toBe(20 * 60_000);
    for (const window of [fiveMinutes, hour]) {
      expect(window.acquiresPerSecond).toBeGreaterThan(45);
      expect(window.acquiresPerSecond).toBeLessThan(55);
      expect(window.inUse).toBeGreaterThan(4.5);
      expect(window.inUse).toBeLessThan(5.5);
      expect(window.hold.meanMs).toBeGreaterThan(90);
      expect(window.hold.meanMs).toBeLessThan(110);
    }
    traffic.nowMs += 3 * 60_000;
    expect(traffic.monitor.getMetrics().windows.minute.acquiresPerSecond).toBe(0);
    traffic.nowMs += 48 * 3_600_000;
    expect(traffic.monitor.getMetrics().windows.day.acquiresPerSecond).toBe(0);
    expect(minute.spanMs).toBeGreaterThan(0);
  });
});

describe("a monitor that fails", () => {
  test("switches itself off, says so once, and never throws into the caller", async () => {
    const traffic = new Traffic();
    const { monitor, lines } = traffic;
    monitor.forward({
      waited: () => {
        throw new Error("password=hunter2");
      },
      timedOut: () => undefined,
      held: () => undefined,
      connected: () => undefined,
      queried: () => undefined,
    });
    monitor.onAcquire(1);
    monitor.onAcquire(1);
    monitor.onQuery("SELECT 1", 1, undefined);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/switched itself off/);
    expect(lines[0]).not.toContain("hunter2");
    expect(monitor.active).toBe(false);
    expect(monitor.getHealthStatus()).toMatchObject({ status: "warning", reasons: [{ code: "monitor-off" }] });
    await expect(monitor.getStatements()).resolves.toEqual([]);
  });

  test("also where nobody can be told, and where what it is given is nonsense", () => {
    const monitor = new ConnectionMonitor({
      log: () => {
        throw new Error("full disk");
      },
    });
    monitor.onQuery(undefined as unknown as string, 1, undefined);
    monitor.onLeak(undefined as never);
    monitor.onAcquireError(1, null as unknown as Error);
    expect(monitor.active).toBe(false);
  });
});

import { fork } from "node:child_process";
import { join } from "node:path";
import { createPool } from "../../../manager/src/pool";
import { poolConfig, startPoolServer } from "../../support/pool";
import { startFaultProxy } from "../../support/fault-proxy";
import type { TestServer } from "../../support/server";

let server: TestServer;

beforeAll(async () => {
  server = await startPoolServer();
});
afterAll(() => server?.stop());

test("closing waits for lent connections and refuses who waits", async () => {
  const pool = createPool({ ...poolConfig(server), max: 1 });
  const client = await pool.connect();
  const waiting = pool.connect();
  const ended = pool.end();
  await expect(waiting).rejects.toMatchObject({ code: "POOL_CLOSED" });
  await expect(pool.connect()).rejects.toMatchObject({ code: "POOL_CLOSED" });
  await expect(client.query("SELECT 1 AS one")).resolves.toMatchObject({ rows: [{ one: 1 }] });
  expect(pool.ended).toBe(false);
  client.release();
  await ended;
  expect(pool.ended).toBe(true);
  expect(pool.totalCount).toBe(0);
});

test("a connection that nobody gives back does not keep the pool from closing, nor its query from ending", async () => {
  const pool = createPool({ ...poolConfig(server), max: 2 });
  const leaked = await pool.connect();
  const running = pool.query("SELECT pg_sleep(60)");
  const stopped = expect(running).rejects.toMatchObject({ code: "POOL_CLOSED" });
  await pool.end({ graceMs: 50 });
  await stopped;
  expect(pool.totalCount).toBe(0);
  expect(() => leaked.release()).not.toThrow();
  expect(() => leaked.release()).toThrow("already been released");
});

test("closing does not sit out its grace for a connection that is being reset", async () => {
  const pool = createPool({ ...poolConfig(server), max: 1 });
  const client = await pool.acquire({ session: true });
  await client.query("SET work_mem = '1MB'");
  client.release();
  // Longer than the test may take.
  await pool.end({ graceMs: 600_000 });
  expect(pool.totalCount).toBe(0);
}, 10_000);

test("closing ends in a black hole too", async () => {
  const proxy = await startFaultProxy(server);
  const pool = createPool({ ...poolConfig(server, proxy), max: 2 });
  await pool.query("SELECT 1");
  await proxy.set({ kind: "black-hole" });
  await pool.end({ graceMs: 50 });
  expect(pool.ended).toBe(true);
  await proxy.stop();
});

test("end twice is an error, close is not", async () => {
  const pool = createPool(poolConfig(server));
  await pool.end();
  await expect(pool.end()).rejects.toThrow("Called end on pool more than once");
  await expect(pool.close()).resolves.toBeUndefined();
});

test("a caller whose connection is already being opened is still served", async () => {
  const pool = createPool(poolConfig(server));
  const query = pool.query("SELECT 1 AS one");
  await pool.end();
  await expect(query).resolves.toMatchObject({ rows: [{ one: 1 }] });
});

/** Runs a script of pool-process.ts; what it printed, and its exit code. */
function run(script: string): Promise<{ code: number | null; output: string }> {
  const child = fork(join(__dirname, "pool-process.ts"), [script], {
    execArgv: ["-r", "tsx/cjs"],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, POOL_CONFIG: JSON.stringify(poolConfig(server)) },
  });
  let output = "";
  child.stdout?.on("data", (chunk) => (output += String(chunk)));
  child.stderr?.on("data", (chunk) => (output += String(chunk)));
  return new Promise((resolve) => child.on("exit", (code) => resolve({ code, output })));
}

test("a process without any error listener lives on when its connections are ended", async () => {
  expect(await run("terminated")).toEqual({ code: 0, output: "idle: survived\nlent: survived\n" });
});

test("a process may end while its connections are idle, with allowExitOnIdle", async () => {
  expect(await run("exit-on-idle")).toEqual({ code: 0, output: "1\n" });
});

test("a listener that throws costs the pool no connection", async () => {
  expect(await run("throwing-listener")).toEqual({ code: 0, output: "a bug in a listener\nidle: 1\n" });
});

test("a process does not end while a caller waits for a database that is down", async () => {
  expect(await run("waiting")).toEqual({ code: 0, output: "POOL_ACQUIRE_TIMEOUT\n" });
});

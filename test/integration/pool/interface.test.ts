import { EventEmitter } from "node:events";
import pg from "pg";
import type { Client, PoolClient } from "pg";
import { createPool, Pool } from "../../../manager/src/pool";
import type { ClientConstructor, PoolOptions } from "../../../manager/src/pool";
import { poolConfig, startPoolServer, until } from "../../support/pool";
import type { TestServer } from "../../support/server";

/** What pg-pool does beyond its last published tests, up to 3.14, and what this pool holds of pg's inner parts. */
let server: TestServer;
const pools: Pool[] = [];

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

test("idle connections up to min stay, those above go", async () => {
  const pool = newPool({ max: 3, min: 1, idleTimeoutMillis: 10 });
  const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()]);
  clients.forEach((client) => client.release());
  await until(() => pool.totalCount === 1, "the idle connections above min are closed");
  await new Promise((resolve) => setTimeout(resolve, 40));
  expect(pool.idleCount).toBe(1);
});

test("min keeps no connection that is used up or past its lifetime", async () => {
  const pool = newPool({ max: 1, min: 1, maxUses: 1 });
  (await pool.connect()).release();
  expect(pool.totalCount).toBe(0);
  const aged = newPool({ max: 1, min: 1, maxLifetimeSeconds: 0.1 });
  (await aged.connect()).release();
  await until(() => aged.totalCount === 0, "the connection is past its lifetime");
});

test("onConnect sets each new connection up once, awaited, before anybody has it", async () => {
  let runs = 0;
  const pool = newPool({
    max: 1,
    onConnect: async (client: Client) => {
      runs++;
      await client.query("SET application_name = 'set up'");
    },
  });
  await expect(pool.query("SHOW application_name")).resolves.toMatchObject({ rows: [{ application_name: "set up" }] });
  await pool.query("SELECT 1");
  expect(runs).toBe(1);
});

test.each<[string, () => unknown]>([
  ["throws", () => { throw new Error("the hook failed"); }],
  ["rejects", () => Promise.reject(new Error("the hook failed"))],
])("an onConnect that %s fails the caller and leaves no connection", async (_how, onConnect) => {
  const pool = newPool({ onConnect });
  await expect(pool.connect()).rejects.toThrow("the hook failed");
  expect(pool.totalCount).toBe(0);
});

test("a connection that is made after its caller has timed out is not kept past the connect deadline", async () => {
  class SlowClient extends pg.Client {
    override connect(callback?: unknown): never {
      setTimeout(() => super.connect(callback as never), 200);
      return undefined as never;
    }
  }
  const pool = newPool({ connectionTimeoutMillis: 100, max: 1, Client: SlowClient });
  await expect(pool.connect()).rejects.toThrow("timeout");
  expect(pool.totalCount).toBe(0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(pool.totalCount).toBe(0);
});

test("events tell of a connection's whole life", async () => {
  const pool = newPool({ max: 1 });
  const told: string[] = [];
  for (const event of ["connect", "acquire", "release", "remove"]) pool.on(event, () => told.push(event));
  const client = await pool.connect();
  client.release();
  (await pool.connect()).release(true);
  await until(() => told.includes("remove"), "the connection was closed");
  expect(told).toEqual(["connect", "acquire", "release", "acquire", "release", "remove"]);
});

test("every form of query works", async () => {
  const pool = newPool({ max: 1 });
  await expect(pool.query("SELECT 1 AS n")).resolves.toMatchObject({ rows: [{ n: 1 }] });
  await expect(pool.query("SELECT $1::int AS n", [2])).resolves.toMatchObject({ rows: [{ n: 2 }] });
  await expect(pool.query({ text: "SELECT $1::int AS n", values: [3], rowMode: "array" })).resolves.toMatchObject({ rows: [[3]] });
  await expect(pool.query({ name: "four", text: "SELECT $1::int AS n" }, [4])).resolves.toMatchObject({ rows: [{ n: 4 }] });
  const called = (start: (callback: (error: Error | undefined, result: { rows: unknown[] }) => void) => void): Promise<unknown[]> =>
    new Promise((resolve, reject) => start((error, result) => (error ? reject(error) : resolve(result.rows))));
  await expect(called((callback) => pool.query("SELECT 5 AS n", callback))).resolves.toEqual([{ n: 5 }]);
  await expect(called((callback) => pool.query("SELECT $1::int AS n", [6], callback))).resolves.toEqual([{ n: 6 }]);
  await expect(called((callback) => pool.query("SELECT wrong", callback))).rejects.toMatchObject({ code: "42703" });
  const query = pool.query(new pg.Query("SELECT 7 AS n"));
  await expect(new Promise((resolve) => query.on("row", resolve))).resolves.toEqual({ n: 7 });
  await until(() => pool.idleCount === 1, "the query object gave its connection back");
});

test("an error of the server in pool.query closes the connection as in pg-pool, or keeps it where asked to", async () => {
  const likePgPool = newPool({ max: 1 });
  await expect(likePgPool.query("SELECT wrong")).rejects.toMatchObject({ code: "42703" });
  expect(likePgPool.totalCount).toBe(0);
  const keeping = newPool({ max: 1, keepOnQueryError: true });
  await expect(keeping.query("SELECT wrong")).rejects.toMatchObject({ code: "42703" });
  await expect(keeping.query("SELECT 1")).resolves.toBeDefined();
  expect(keeping.totalCount).toBe(1);
});

test("an observer hears of queries on the pool and on borrowed clients, with their errors", async () => {
  const heard: [string, string | undefined, number | undefined][] = [];
  const pool = newPool({ max: 1, observer: { onQuery: (text, _ms, error, rowCount) => heard.push([text, (error as { code?: string } | undefined)?.code, rowCount]) } });
  await pool.query("SELECT $1::int", [1]);
  const client = await pool.connect();
  await client.query("SELECT 1 UNION SELECT 2");
  await client.query("SELECT wrong").catch(() => undefined);
  await new Promise<void>((resolve) => client.query("SELECT 3", () => resolve()));
  client.release();
  expect(heard).toEqual([["SELECT $1::int", undefined, 1], ["SELECT 1 UNION SELECT 2", undefined, 2], ["SELECT wrong", "42703", undefined], ["SELECT 3", undefined, 1]]);
});

test("a client of another maker needs no more than connect, query, end and events", async () => {
  class OtherClient extends EventEmitter {
    connect(callback: (error?: Error) => void): void {
      process.nextTick(callback);
    }
    query(text: string, _values: unknown, callback: (error: Error | null, result: unknown) => void): void {
      process.nextTick(callback, null, { rows: [{ text }] });
    }
    end(callback: () => void): void {
      process.nextTick(callback);
    }
  }
  const pool = newPool({ Client: OtherClient as unknown as ClientConstructor });
  await expect(pool.query("anything")).resolves.toEqual({ rows: [{ text: "anything" }] });
  expect(pool.idleCount).toBe(1);
});

test("pg's inner parts that the pool looks at mean what it takes them to mean", async () => {
  const pool = newPool({ max: 1 });
  const client = (await pool.connect()) as PoolClient & { _queryable: boolean; _ending: boolean; readyForQuery: boolean; processID: number; secretKey: number };
  expect(client).toMatchObject({ _queryable: true, _ending: false, readyForQuery: true, processID: expect.any(Number) as number, secretKey: expect.any(Number) as number });
  expect(client.getTransactionStatus()).toBe("I");
  const begun = client.query("BEGIN");
  expect(client.readyForQuery).toBe(false);
  await begun;
  expect(client.readyForQuery).toBe(true);
  expect(client.getTransactionStatus()).toBe("T");
  await client.query("wrong").catch(() => undefined);
  await client.query("ROLLBACK");
  expect(Object.keys(client.connection)).toEqual(expect.arrayContaining(["stream", "parsedStatements", "submittedNamedStatements"]));
  client.release();
  expect(pool).toBeInstanceOf(Pool);
});

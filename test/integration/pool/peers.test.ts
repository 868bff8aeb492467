import { PrismaPg } from "@prisma/adapter-pg";
import { context, trace } from "@opentelemetry/api";
import { PgInstrumentation } from "@opentelemetry/instrumentation-pg";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import Cursor from "pg-cursor";
import QueryStream from "pg-query-stream";
import { createPool } from "../../../manager/src/pool";
import type { Pool, PoolOptions } from "../../../manager/src/pool";
import { poolConfig, startPoolServer, until } from "../../support/pool";
import type { TestServer } from "../../support/server";

let server: TestServer;
const pools: Pool[] = [];

beforeAll(async () => {
  server = await startPoolServer();
  const pool = newPool({ max: 1 });
  await pool.query("CREATE TABLE pets (id int PRIMARY KEY, name text NOT NULL)");
});
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close({ graceMs: 0 }))));
afterAll(() => server?.stop());

function newPool(options: PoolOptions = {}): Pool {
  const pool = createPool({ ...poolConfig(server), ...options });
  pools.push(pool);
  return pool;
}

test("kysely runs queries and transactions on it, and closes it", async () => {
  const pool = newPool();
  const db = new Kysely<{ pets: { id: number; name: string } }>({ dialect: new PostgresDialect({ pool, cursor: Cursor }) });
  await db.transaction().execute((transaction) => transaction.insertInto("pets").values({ id: 1, name: "kysely" }).execute());
  await expect(db.transaction().execute(async (transaction) => {
    await transaction.insertInto("pets").values({ id: 99, name: "gone" }).execute();
    throw new Error("undo");
  })).rejects.toThrow("undo");
  const streamed: unknown[] = [];
  for await (const row of db.selectFrom("pets").selectAll().where("id", "in", [1, 99]).stream()) streamed.push(row);
  expect(streamed).toEqual([{ id: 1, name: "kysely" }]);
  await db.destroy();
  expect(pool.ended).toBe(true);
});

test("drizzle runs queries and transactions on it", async () => {
  const pets = pgTable("pets", { id: integer().primaryKey(), name: text().notNull() });
  const pool = newPool({ max: 2 });
  const db = drizzle({ client: pool as unknown as pg.Pool });
  await db.transaction(async (transaction) => {
    await transaction.insert(pets).values({ id: 2, name: "drizzle" });
    await transaction.execute(sql`SELECT 1`);
  });
  await expect(db.select().from(pets).where(sql`id = 2`)).resolves.toEqual([{ id: 2, name: "drizzle" }]);
  expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0 });
});

test("Prisma's adapter runs queries and transactions on it", async () => {
  const pool = newPool({ max: 2 });
  const adapter = await new PrismaPg(pool as unknown as pg.Pool).connect();
  const query = (statement: string) => ({ sql: statement, args: [], argTypes: [] });
  const transaction = await adapter.startTransaction();
  await transaction.executeRaw(query("INSERT INTO pets VALUES (3, 'prisma')"));
  // Prisma's engine sends COMMIT itself and then tells the adapter.
  if (!transaction.options.usePhantomQuery) await transaction.executeRaw(query("COMMIT"));
  await transaction.commit();
  await expect(adapter.queryRaw(query("SELECT name FROM pets WHERE id = 3"))).resolves.toMatchObject({ rows: [["prisma"]] });
  await adapter.dispose();
  expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0 });
});

test("OpenTelemetry's instrumentation of pg sees its queries", async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const instrumentation = new PgInstrumentation();
  instrumentation.setTracerProvider(provider);
  // What the loader hook does when pg is required after the instrumentation.
  const [definition] = instrumentation.getModuleDefinitions().filter(({ name }) => name === "pg");
  const instrumented = definition?.patch?.(pg, pg.Client.name) as typeof pg;
  try {
    const pool = newPool({ Client: instrumented.Client as unknown as NonNullable<PoolOptions["Client"]> });
    await context.with(trace.setSpan(context.active(), provider.getTracer("test").startSpan("request")), () => pool.query("SELECT 1 AS one"));
    const client = await pool.connect();
    await client.query("SELECT 2 AS two");
    client.release();
    const statements = exporter.getFinishedSpans().map(({ attributes }) => attributes["db.statement"] ?? attributes["db.query.text"]);
    expect(statements).toEqual(expect.arrayContaining(["SELECT 1 AS one", "SELECT 2 AS two"]));
  } finally {
    definition?.unpatch?.(pg, "");
    await provider.shutdown();
  }
});

test("a cursor and a query stream give their connection back at their end", async () => {
  const pool = newPool({ max: 1 });
  const cursor = pool.query(new Cursor<{ n: number }>("SELECT n FROM generate_series(1, 5) AS n"));
  await expect(cursor.read(3)).resolves.toHaveLength(3);
  expect(pool.idleCount).toBe(0);
  await cursor.close();
  await until(() => pool.idleCount === 1, "the cursor gave its connection back");
  const rows: unknown[] = [];
  for await (const row of pool.query(new QueryStream("SELECT n FROM generate_series(1, 250) AS n"))) rows.push(row);
  expect(rows).toHaveLength(250);
  await until(() => pool.idleCount === 1, "the stream gave its connection back");
});

test("a cursor and a stream that get no connection fail, and so does a cursor whose connection dies", async () => {
  const pool = newPool({ max: 1, acquireTimeoutMs: 1_000 });
  const client = await pool.acquire({ timeoutMs: 30_000 });
  const read = pool.query(new Cursor("SELECT 1")).read(1);
  const streamed = pool.query(new QueryStream("SELECT 1")).toArray();
  await expect(Promise.allSettled([read, streamed])).resolves.toMatchObject([{ reason: { code: "POOL_ACQUIRE_TIMEOUT" } }, { reason: { code: "POOL_ACQUIRE_TIMEOUT" } }]);
  client.release();
  const dying = pool.query(new Cursor("SELECT pg_terminate_backend(pg_backend_pid()) FROM generate_series(1, 5)"));
  await expect(dying.read(1)).rejects.toMatchObject({ code: "57P01" });
  await until(() => pool.totalCount === 0, "the dead connection is gone");
  await expect(pool.query("SELECT 1")).resolves.toBeDefined();
});

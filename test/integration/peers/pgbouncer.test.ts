import { Client } from "pg";
import type { PoolClient } from "pg";
import { ensureServer, stopServer } from "../../../components/local/server/server";
import { classifyError } from "../../../manager/src/errors";
import { migrate } from "../../../manager/src/migrate";
import { createPool } from "../../../manager/src/pool";
import type { Pool, PoolOptions } from "../../../manager/src/pool";
import { cancelBackend } from "../../../manager/src/pool/cancel";
import type { DatabaseManager } from "../../../manager/src/sessions";
import { describeWhere } from "../../support/describe-where";
import { obtainPgBouncer } from "../../support/obtain-pgbouncer";
import { startPgBouncer } from "../../support/pgbouncer";
import type { PgBouncer } from "../../support/pgbouncer";
import { poolConfig, startPoolServer, until } from "../../support/pool";
import type { TestServer } from "../../support/server";
import { Managers } from "../sessions/support";

// RDS Proxy is not here: it cannot be had outside of AWS. What is proven for PgBouncer holds for it only as far as the two do the same; that any SET pins an RDS Proxy
// connection, for one, is known from its documentation alone.

const MAX_CONNECTIONS = 60;
/** Server connections of PgBouncer for the tests' login, of 60 that the server has. */
const POOL_SIZE = 4;
/** Backends that are at work on what was marked as `label`. */
const atWork = (label: string): string => `SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%/* ${label} */' AND pid <> pg_backend_pid()`;

const found = obtainPgBouncer();

describeWhere("missing" in found ? found.missing : undefined, `PgBouncer${"version" in found ? ` ${found.version}` : ""}`, () => {
  let server: TestServer;
  let transactions: PgBouncer;
  let direct: Pool;
  const managers = new Managers();
  const pools: Pool[] = [];
  const bouncers: PgBouncer[] = [];

  async function bouncer(...settings: string[]): Promise<PgBouncer> {
    if ("missing" in found) throw new Error(found.missing);
    const started = await startPgBouncer(found, server, settings);
    bouncers.push(started);
    return started;
  }
  function pool(through: PgBouncer, options: PoolOptions = {}): Pool {
    const made = createPool({ ...poolConfig(server, through), pooler: "transaction", max: 3, ...options });
    pools.push(made);
    return made;
  }
  const manager = (options: PoolOptions = {}): Promise<DatabaseManager> => managers.make(server, { port: transactions.port, pool: { pooler: "transaction", ...options } }).open();
  const setting = async (on: { query(text: string): Promise<{ rows: Record<string, unknown>[] }> }, name: string): Promise<unknown> => Object.values((await on.query(`SHOW ${name}`)).rows[0] ?? {})[0];
  const backend = async (client: PoolClient | Pool): Promise<unknown> => (await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]?.pid;

  beforeAll(async () => {
    server = await startPoolServer(MAX_CONNECTIONS);
    transactions = await bouncer(`default_pool_size = ${POOL_SIZE}`);
    direct = createPool({ ...poolConfig(server), max: 2 });
    await direct.query("CREATE TABLE notes (id int PRIMARY KEY)");
  });
  afterEach(async () => {
    await managers.close();
    await Promise.all(pools.splice(0).map((each) => each.close({ graceMs: 0 })));
    await Promise.all(bouncers.splice(1).map((each) => each.stop()));
  });
  afterAll(async () => {
    await direct?.close();
    await transactions?.stop();
    await server?.stop();
  });

  describe("in transaction mode", () => {
    test("serves more connections of pools than it has of the server, and a transaction stays on one", async () => {
      const many = pool(transactions, { max: 12 });
      const clients = await Promise.all(Array.from({ length: 12 }, () => many.connect()));
      const used = new Set(await Promise.all(clients.map((client) => backend(client))));
      expect(many.totalCount).toBe(12);
      expect(used.size).toBeLessThanOrEqual(POOL_SIZE);
      const [client] = clients as [PoolClient];
      await client.query("BEGIN");
      const pid = await backend(client);
      await Promise.all(clients.slice(1).map((other) => backend(other)));
      expect(await backend(client)).toBe(pid);
      await client.query("COMMIT");
      for (const each of clients) each.release();
    });

    test("sessions of DatabaseManager commit, nest, roll back and read", async () => {
      const db = await manager();
      await db.session({ operation: "notes" }, async (session) => {
        await session.query("INSERT INTO notes VALUES (1)");
        await db.session({}, async (nested) => {
          await nested.query("INSERT INTO notes VALUES (2)");
          throw new Error("undone");
        }).catch(() => undefined);
      });
      await db.session({}, async (session) => {
        await session.query("INSERT INTO notes VALUES (3)");
        throw new Error("undone");
      }).catch(() => undefined);
      expect((await db.readOnly({}, (session) => session.query("SELECT id FROM notes"))).rows).toEqual([{ id: 1 }]);
      expect((await db.health()).status).toBe("healthy");
    });

    test("the limits and the SET LOCAL of a session are gone for the next on the same server connection", async () => {
      const one = pool(await bouncer("default_pool_size = 1"), { max: 1 });
      const before = [await setting(one, "statement_timeout"), await setting(one, "work_mem")];
      const db = managers.make(server, { port: one.options.port!, pool: { pooler: "transaction", max: 1 } });
      await db.open();
      let within: unknown[] = [];
      await db.session({ deadlineMs: 5_000 }, async (session) => {
        await session.query("SET LOCAL work_mem = '1MB'");
        within = [await setting(session, "statement_timeout"), await setting(session, "work_mem")];
      });
      expect(within).not.toEqual(before);
      expect([await setting(one, "statement_timeout"), await setting(one, "work_mem")]).toEqual(before);
    });

    test("a plain SET stays on the server connection, whoever has it next, until PgBouncer is told to reset always", async () => {
      for (const [resets, next] of [[0, "1MB"], [1, "4MB"]] as const) {
        const through = await bouncer("default_pool_size = 1", `server_reset_query_always = ${resets}`);
        await pool(through).query("SET work_mem = '1MB'");
        expect(await setting(pool(through), "work_mem")).toBe(next);
      }
    });

    test("named statements run on whichever server connection there is; without the option they break", async () => {
      const query = { name: "one_note", text: "SELECT $1::int AS n" };
      const outcomes: unknown[] = [];
      for (const pooler of ["transaction", "none"] as const) {
        const through = await bouncer(`default_pool_size = ${POOL_SIZE}`);
        const named = await pool(through, { pooler, max: 1 }).connect();
        await named.query({ ...query, values: [1] });
        // Takes the only server connection there is, so that the next statement gets a new one.
        const other = await pool(through).connect();
        await other.query("BEGIN; SELECT 1");
        outcomes.push(await named.query({ ...query, values: [2] }).then(({ rows }) => rows as unknown, (error: { code?: string }) => error.code));
        await other.query("ROLLBACK");
        named.release(true);
        other.release();
      }
      expect(outcomes).toEqual([[{ n: 2 }], "26000"]);
    });

    test("what needs a session is refused, and transaction locks exclude each other", async () => {
      const locking = pool(transactions);
      await expect(locking.acquire({ session: true })).rejects.toMatchObject({ code: "POOL_SESSION_UNSUPPORTED" });
      expect(() => pool(transactions, { statement_timeout: 1_000 })).toThrow(expect.objectContaining({ code: "POOL_OPTIONS_INVALID" }) as Error);
      const tried = async (db: DatabaseManager): Promise<unknown> => db.session({}, async (session) => (await session.query<{ got: boolean }>("SELECT pg_try_advisory_xact_lock(4711) AS got")).rows[0]?.got);
      const [first, second] = [await manager(), await manager()];
      await first.session({}, async (session) => {
        await session.query("SELECT pg_advisory_xact_lock(4711)");
        // Not nested: of another manager.
        expect(await tried(second)).toBe(false);
      });
      expect(await tried(second)).toBe(true);
    });

    test("migrations are refused, since their lock would not hold", async () => {
      const { user, password, database, ssl } = poolConfig(server) as { user: string; password: string; database: string; ssl: { ca: string } };
      const target = { client: { host: "localhost", port: transactions.port, user, password, database, ssl }, service: "auth", owner: user, directory: "schemas/auth", readers: [] };
      await expect(migrate(target)).rejects.toMatchObject({ code: "MIGRATION_POOLER" });
      // Also where PgBouncer lets the startup parameter pass, by which it is recognised first.
      const through = await bouncer("ignore_startup_parameters = options");
      await expect(migrate({ ...target, client: { ...target.client, port: through.port } })).rejects.toMatchObject({ code: "MIGRATION_POOLER" });
    });

    test("a query that outlives its deadline ends in time, and the pool serves on", async () => {
      const cancelling = pool(transactions, { queryTimeoutMs: 1_000 });
      await expect(cancelling.query("SELECT pg_sleep(30)")).rejects.toMatchObject({ code: "POOL_QUERY_TIMEOUT" });
      expect(await backend(cancelling)).toEqual(expect.any(Number));
      expect(cancelling.stats()).toMatchObject({ inUse: 0, waiting: 0 });
    });

    test("a CancelRequest stops the backend as long as the client's socket lives: PgBouncer finds the backend by the client", async () => {
      const client = await pool(transactions).connect();
      const running = client.query("SELECT pg_sleep(60) /* cancelled */");
      const outcome = running.then(() => undefined, (error: { code?: string }) => error.code);
      await until(async () => (await direct.query(atWork("cancelled"))).rowCount === 1, "it is at work");
      expect(await cancelBackend(client, undefined)).toBeUndefined();
      expect(await outcome).toBe("57014");
      client.release();
    });

    test("a query that outlives its deadline is cancelled on the server, through the pooler", async () => {
      const cancelling = pool(transactions, { queryTimeoutMs: 1_000 });
      await expect(cancelling.query("SELECT pg_sleep(60) /* late */")).rejects.toMatchObject({ code: "POOL_QUERY_TIMEOUT" });
      await until(async () => (await direct.query(atWork("late"))).rowCount === 0, "the backend has stopped", 20_000);
    });

    test("what runs in a pool that is closed is cancelled on the server, through the pooler", async () => {
      const closing = pool(transactions);
      const running = closing.query("SELECT pg_sleep(60) /* closing */").catch((error: { code?: string }) => error.code);
      await until(async () => (await direct.query(atWork("closing"))).rowCount === 1, "it is at work");
      await closing.end({ graceMs: 0 });
      expect(await running).toBe("POOL_CLOSED");
      await until(async () => (await direct.query(atWork("closing"))).rowCount === 0, "the backend has stopped", 20_000);
    });

    test("what a caller calls off is cancelled on the server, through the pooler", async () => {
      const db = await manager();
      const caller = new AbortController();
      const called = db.session({ operation: "called off", signal: caller.signal }, (session) => session.query("SELECT pg_sleep(60) /* called off */"));
      const outcome = called.catch((error: { code?: string }) => error.code);
      await until(async () => (await direct.query(atWork("called off"))).rowCount === 1, "it is at work");
      caller.abort();
      expect(await outcome).toBe("SESSION_ABORTED");
      // Sooner than its own limit, the deadline of 30 s, would end it.
      await until(async () => (await direct.query(atWork("called off"))).rowCount === 0, "the backend has stopped", 20_000);
    });

    test("a session that outlives its deadline is ended, rolled back, and leaves no lock", async () => {
      const db = await manager();
      const slow = db.session({ operation: "slow", deadlineMs: 1_000 }, async (session) => {
        await session.query("INSERT INTO notes VALUES (77)");
        await session.query("SELECT pg_sleep(60) /* slow */");
      });
      await expect(slow).rejects.toMatchObject({ code: "SESSION_DEADLINE" });
      await until(async () => (await direct.query(atWork("slow"))).rowCount === 0, "the backend has stopped");
      await db.session({}, (session) => session.query("INSERT INTO notes VALUES (77)"));
    });
  });

  test("in session mode time-outs hold, and nothing of a session is left for the next", async () => {
    const through = await bouncer("pool_mode = session", "default_pool_size = 1");
    const sessions = pool(through, { pooler: "session", max: 1, statement_timeout: 7_000 });
    expect(await setting(sessions, "statement_timeout")).toBe("7s");
    const client = await sessions.acquire({ session: true });
    await client.query("SET work_mem = '1MB'; SELECT pg_advisory_lock(4712); CREATE TEMP TABLE mine (n int)");
    client.release();
    expect([await setting(sessions, "work_mem"), await setting(sessions, "statement_timeout")]).toEqual(["4MB", "7s"]);
    expect((await direct.query("SELECT FROM pg_locks WHERE locktype = 'advisory'")).rowCount).toBe(0);
    // PgBouncer itself takes no time-outs at the start of a session.
    await expect(pool(through, { pooler: "none", statement_timeout: 7_000 }).query("SELECT 1")).rejects.toMatchObject({ code: "08P01", message: expect.stringContaining("unsupported startup parameter") as string });
  });

  describe("with too many clients", () => {
    test("a caller that PgBouncer lets wait too long gets a full queue's error, and the pool serves afterwards", async () => {
      const narrow = pool(await bouncer("default_pool_size = 1", "query_wait_timeout = 1"));
      const holder = await narrow.connect();
      await holder.query("BEGIN; SELECT 1");
      const error: unknown = await narrow.query("SELECT 1").catch((thrown: unknown) => thrown);
      expect(classifyError(error)).toMatchObject({ class: "resource", kind: "pooler-queue-timeout", connectionUsable: false });
      await holder.query("COMMIT");
      holder.release();
      expect(await backend(narrow)).toEqual(expect.any(Number));
      expect(narrow.stats()).toMatchObject({ inUse: 0, waiting: 0 });
    });

    test("a client over max_client_conn is refused as something that passes, and let in when there is room", async () => {
      const through = await bouncer("max_client_conn = 1");
      const first = pool(through, { max: 1 });
      await first.query("SELECT 1");
      const { host, port, user, password, database, ssl } = poolConfig(server, through);
      const error: unknown = await new Client({ host, port, user, password: password as string, database, ssl }).connect().catch((thrown: unknown) => thrown);
      expect(classifyError(error)).toMatchObject({ class: "connection", kind: "pooler-refused", retry: "connection" });
      await first.close();
      expect(await backend(pool(through))).toEqual(expect.any(Number));
    });

    test("a pool that max_client_conn refuses asks for less and waits, and is served when there is room", async () => {
      const through = await bouncer("max_client_conn = 1");
      const holder = pool(through, { max: 1 });
      await holder.query("SELECT 1");
      const refused = pool(through, { acquireTimeoutMs: 10_000 });
      let refusals = 0;
      refused.observe({ onBackpressure: () => void refusals++ });
      const waiting = backend(refused);
      await until(() => refusals > 0, "PgBouncer refused a connection");
      expect(refused.stats()).toMatchObject({ waiting: 1, effectiveMax: 1, downSince: undefined });
      await holder.close();
      expect(await waiting).toEqual(expect.any(Number));
      const impatient = pool(through, { acquireTimeoutMs: 300 });
      const error: unknown = await impatient.query("SELECT 1").catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "POOL_ACQUIRE_TIMEOUT", sqlstate: "08P01" });
      expect(classifyError(error)).toMatchObject({ class: "connection", kind: "pooler-refused" });
    });
  });

  // Last, since it stops the server under all of them.
  test("when the server behind it restarts, sessions fail as lost connections, write nothing twice, and are served again", async () => {
    const db = await manager({ queryTimeoutMs: 1_500, acquireTimeoutMs: 1_500, connectTimeoutMs: 600 });
    const running = db.session({ operation: "interrupted", deadlineMs: 3_000 }, async (session) => {
      await session.query("INSERT INTO notes VALUES (500)");
      await session.query("SELECT pg_sleep(30) /* interrupted */");
    });
    const interrupted = running.then(() => undefined, (error: unknown) => classifyError(error).class);
    await until(async () => (await direct.query(atWork("interrupted"))).rowCount === 1, "it is at work");
    await stopServer({ directory: server.directory, progress: () => undefined });
    expect(await interrupted).toBe("connection");
    // PgBouncer lets callers wait for the server; their own deadline ends that. Once it knows that the server is gone it says so.
    const down: unknown = await db.session({ deadlineMs: 3_000 }, (session) => session.query("INSERT INTO notes VALUES (501)")).catch((thrown: unknown) => thrown);
    expect(["connection", "timeout"]).toContain(classifyError(down).class);
    // Its refusal to log in counts as an outage: callers wait, and one connection at a time tries.
    await until(async () => {
      await db.query("SELECT 1").catch(() => undefined);
      return db.pool.stats().downSince !== undefined;
    }, "the pool takes the database to be down", 20_000);
    await ensureServer({ directory: server.directory, stack: "test", maxConnections: MAX_CONNECTIONS, durability: "off", progress: () => undefined });
    const add = (id: number): Promise<unknown> => db.session({ deadlineMs: 3_000 }, (session) => session.query("INSERT INTO notes VALUES ($1)", [id]));
    let id = 510;
    await until(() => add(++id).then(() => true, () => false), "sessions are served again", 20_000);
    await Promise.all([add(600), add(601), add(602)]);
    expect((await direct.query("SELECT id FROM notes WHERE id >= 500 ORDER BY id")).rows.map((row) => (row as { id: number }).id)).toEqual([id, 600, 601, 602]);
    expect(db.pool.stats()).toMatchObject({ inUse: 0, waiting: 0 });
  });
});

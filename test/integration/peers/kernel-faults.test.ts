import { join } from "node:path";
import type { PoolClient } from "pg";
import { readPidFile } from "../../../components/local/server/pid-file";
import { postgresProcessesOf } from "../../../components/local/server/running-process";
import { ensureServer } from "../../../components/local/server/server";
import { classifyError } from "../../../manager/src/errors";
import { createPool } from "../../../manager/src/pool";
import type { Pool } from "../../../manager/src/pool";
import { poolConfig, startPoolServer, until } from "../../support/pool";
import type { TestServer } from "../../support/server";
import { Managers } from "../sessions/support";

const DEADLINES = { acquireTimeoutMs: 2_500, connectTimeoutMs: 1_500, queryTimeoutMs: 1_000, validationTimeoutMs: 400, resetTimeoutMs: 400, maxLifetimeSeconds: 0 };
/** To get a connection and for a query on it; a tenth more, and room for a busy machine. */
const LIMIT_MS = (DEADLINES.acquireTimeoutMs + DEADLINES.queryTimeoutMs) * 1.1 + 1_500;
const MAX_CONNECTIONS = 40;

const OK = ["ok"];
const NO_CONNECTION = ["POOL_ACQUIRE_TIMEOUT"];
const NO_ANSWER = ["POOL_QUERY_TIMEOUT"];
const UNKNOWN = ["POOL_COMMIT_UNKNOWN"];
const LOST = ["ECONNRESET", "EPIPE", "57P01", "57P02", "Connection terminated unexpectedly", "Client has encountered a connection error and is not queryable"];

const PHASES = ["connect", "idle", "in query", "in transaction", "in COMMIT", "in release", "in validation"] as const;
type Phase = (typeof PHASES)[number];

/** What the kernel is told to do. "server" is the postmaster with all its processes. */
const FAULTS = ["a backend is stopped", "the server is stopped", "a backend is killed", "the server is killed"] as const;
type Fault = (typeof FAULTS)[number];

const EXPECTED: Readonly<Record<Fault, Readonly<Record<Phase, readonly string[]>>>> = {
  // The kernel keeps the connection open and takes what is sent; nobody answers.
  "a backend is stopped": { connect: OK, idle: NO_ANSWER, "in query": NO_ANSWER, "in transaction": NO_ANSWER, "in COMMIT": UNKNOWN, "in release": OK, "in validation": OK },
  // It takes new connections too, as many as the backlog holds.
  "the server is stopped": { connect: NO_CONNECTION, idle: NO_ANSWER, "in query": NO_ANSWER, "in transaction": NO_ANSWER, "in COMMIT": UNKNOWN, "in release": NO_CONNECTION, "in validation": NO_CONNECTION },
  // The postmaster ends all others and repairs: new connections are refused (57P03) for a moment, which the acquire deadline covers.
  "a backend is killed": { connect: OK, idle: OK, "in query": LOST, "in transaction": LOST, "in COMMIT": UNKNOWN, "in release": OK, "in validation": OK },
  "the server is killed": { connect: NO_CONNECTION, idle: NO_CONNECTION, "in query": LOST, "in transaction": LOST, "in COMMIT": UNKNOWN, "in release": NO_CONNECTION, "in validation": NO_CONNECTION },
};

let server: TestServer;
const managers = new Managers();
const data = (): string => join(server.directory, "data");
const postmaster = (): number => readPidFile(data())!.pid;
const backendOf = (client: PoolClient): number => (client as unknown as { processID: number }).processID;

beforeAll(async () => {
  server = await startPoolServer(MAX_CONNECTIONS);
  const pool = createPool({ ...poolConfig(server), max: 1 });
  await pool.query("CREATE TABLE writes (key text)");
  await pool.query("CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.key LIKE '%in COMMIT' THEN PERFORM pg_sleep(0.3); END IF; RETURN NULL; END $$");
  await pool.query("CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON writes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_commit()");
  await pool.close();
});
afterEach(() => managers.close());
afterAll(() => server?.stop());

/** Begins a fault; answers with what ends it. */
function begin(fault: Fault, backend: number): () => Promise<void> {
  const processes = fault.includes("server") ? [postmaster(), ...postgresProcessesOf(data())] : [backend];
  if (fault.includes("stopped")) {
    for (const pid of processes) process.kill(pid, "SIGSTOP");
    return () => {
      for (const pid of processes) signal(pid, "SIGCONT");
      return Promise.resolve();
    };
  }
  process.kill(fault.includes("server") ? postmaster() : backend, "SIGKILL");
  return async () => {
    await ensureServer({ directory: server.directory, stack: "test", maxConnections: MAX_CONNECTIONS, durability: "off", progress: () => undefined });
  };
}

function signal(pid: number, name: "SIGCONT"): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

async function withClient<T>(pool: Pool, use: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    return await use(client);
  } finally {
    client.release();
  }
}

/** Runs a phase with the fault in it; `start` begins the fault. */
async function steps(phase: Phase, pool: Pool, key: string, start: (client: PoolClient) => void, kills: boolean): Promise<void> {
  const backend = await pool.connect();
  // A killed backend is gone for good only when its socket says so; a statement could still slip through before.
  const gone = (): Promise<void> => (kills ? new Promise((resolve) => void backend.once("end", resolve)) : Promise.resolve());
  const startAndWait = async (): Promise<void> => {
    const end = gone();
    start(backend);
    await end;
  };
  // In the middle of what runs: once the server has it.
  const duringQuery = async (query: Promise<unknown>): Promise<void> => {
    query.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    start(backend);
    await query;
  };
  switch (phase) {
    case "connect":
      try {
        await startAndWait();
        await withClient(pool, (client) => client.query("SELECT 1"));
      } finally {
        backend.release();
      }
      return;
    case "idle":
    case "in validation": {
      const end = gone();
      backend.release();
      start(backend);
      await end;
      await pool.query("SELECT 1");
      return;
    }
    case "in release":
      await backend.query("BEGIN");
      await startAndWait();
      backend.release();
      await pool.query("SELECT 1");
      return;
    case "in query":
    case "in transaction":
    case "in COMMIT":
      try {
        if (phase === "in query") return await duringQuery(backend.query("SELECT pg_sleep(0.3)"));
        await backend.query("BEGIN");
        await backend.query("INSERT INTO writes VALUES ($1)", [key]);
        if (phase === "in COMMIT") return await duringQuery(backend.query("COMMIT"));
        await startAndWait();
        await backend.query("SELECT 1");
        await backend.query("COMMIT");
      } finally {
        backend.release();
      }
  }
}

const CELLS = FAULTS.flatMap((fault) => PHASES.map((phase) => ({ fault, phase })));

test.each(CELLS)("$fault, $phase: ends in time as documented, loses no connection, repeats no write, and serves again", async ({ fault, phase }) => {
  const key = `${fault} ${phase}`;
  const pool = createPool({ ...poolConfig(server), ...DEADLINES, max: 3, validateAfterIdleMs: phase === "in validation" ? 0 : 60_000 });
  let lift: (() => Promise<void>) | undefined;
  try {
    await pool.query("SELECT 1");
    const startedAt = performance.now();
    const error: unknown = await steps(phase, pool, key, (client) => (lift = begin(fault, backendOf(client))), fault.includes("killed")).catch((thrown: unknown) => thrown);
    const elapsedMs = performance.now() - startedAt;
    await lift?.();
    expect(EXPECTED[fault][phase]).toContain(outcomeOf(error));
    expect(elapsedMs).toBeLessThan(LIMIT_MS);
    if (error !== undefined) expect(classifyError(error).class).toBe(classOf(outcomeOf(error)));
    expect(await pool.query("SELECT 1 AS n").then(({ rows }) => rows as unknown[])).toEqual([{ n: 1 }]);
    await until(() => pool.totalCount === pool.idleCount, "everything is idle");
    expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0, downSince: undefined });
    await until(async () => (await pool.query("SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()")).rowCount === 0, "no backend is at work any more");
    const { rows } = await pool.query("SELECT count(*)::int AS n FROM writes WHERE key = $1", [key]);
    const { n } = rows[0] as { n: number };
    // Of a COMMIT that was sent nobody knows; of a lost transaction nothing is there.
    expect(n).toBeLessThanOrEqual(phase === "in COMMIT" ? 1 : 0);
  } finally {
    await lift?.();
    await pool.close({ graceMs: 0 });
  }
});

test("open connections serve on while the postmaster is stopped, and who needs a new one waits no longer than its deadline", async () => {
  const pool = createPool({ ...poolConfig(server), ...DEADLINES, max: 2 });
  const held = await pool.connect();
  const pid = postmaster();
  process.kill(pid, "SIGSTOP");
  try {
    const waiting = pool.connect().then(() => "served", (error: unknown) => [outcomeOf(error), classifyError(error).class]);
    await held.query("SELECT 1");
    expect(await waiting).toEqual(["POOL_ACQUIRE_TIMEOUT", "connection"]);
    await held.query("SELECT 1");
  } finally {
    process.kill(pid, "SIGCONT");
    held.release();
  }
  await withClient(pool, () => withClient(pool, (client) => client.query("SELECT 1")));
  await pool.close();
});

test("who waits while a stopped server holds up the clean-up of the only connection hears that the server cannot be reached", async () => {
  // The attempt to connect outlives the wait, so that the clean-up is all that fails before its end.
  const pool = createPool({ ...poolConfig(server), ...DEADLINES, connectTimeoutMs: 10_000, acquireTimeoutMs: 2_000, max: 2 });
  const client = await pool.connect();
  await client.query("BEGIN");
  const lift = begin("the server is stopped", backendOf(client));
  try {
    client.release();
    const error: unknown = await pool.query("SELECT 1").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "POOL_ACQUIRE_TIMEOUT", cause: { code: "POOL_CONNECT_TIMEOUT" } });
    expect(classifyError(error)).toMatchObject({ class: "connection", retryable: true });
  } finally {
    await lift();
    await pool.close({ graceMs: 0 });
  }
});

describe("a session", () => {
  test.each(["SIGSTOP", "SIGKILL"] as const)("whose backend gets %s ends within its deadline, and the next one commits", async (name) => {
    const manager = await managers.make(server, { pool: DEADLINES }).open();
    let stopped = 0;
    const startedAt = performance.now();
    const ended: unknown = await manager.session({ operation: "hit", deadlineMs: 2_000 }, async (session) => {
      await session.query("INSERT INTO writes VALUES ('session')");
      stopped = (await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]!.pid;
      process.kill(stopped, name);
      await session.query("SELECT 1");
    }).catch((thrown: unknown) => thrown);
    if (name === "SIGSTOP") process.kill(stopped, "SIGCONT");
    expect(classifyError(ended).class).toBe(name === "SIGSTOP" ? "timeout" : "connection");
    expect(performance.now() - startedAt).toBeLessThan(2_000 + 200 + 1_500);
    await until(() => manager.session({}, (session) => session.query("INSERT INTO writes VALUES ('next')")).then(() => true, () => false), "sessions are served again");
    expect((await manager.query("SELECT FROM writes WHERE key = 'session'")).rowCount).toBe(0);
    expect(manager.metrics().sessions.active).toBe(0);
  });

  test("whose backend the server ends raises no integrity alert", async () => {
    const manager = await managers.make(server, { pool: DEADLINES }).open();
    const pool = createPool({ ...poolConfig(server), max: 1 });
    const ended = manager.session({ operation: "ended" }, async (session) => {
      const { rows: [row] } = await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      await Promise.all([session.query("SELECT pg_sleep(10)"), pool.query("SELECT pg_terminate_backend($1)", [row!.pid])]);
    });
    await expect(ended).rejects.toMatchObject({ code: "57P01" });
    expect(manager.metrics().sessions.rollbacksFailed).toBe(0);
    // The same inside a savepoint: what cannot be undone any more is not tried to be.
    const nested = manager.session({ operation: "ended" }, () =>
      manager.session({}, async (session) => {
        const { rows: [row] } = await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
        await Promise.all([session.query("SELECT pg_sleep(10)"), pool.query("SELECT pg_terminate_backend($1)", [row!.pid])]);
      }),
    );
    await expect(nested).rejects.toMatchObject({ code: "57P01" });
    await pool.close();
    expect(manager.metrics().sessions).toMatchObject({ rollbacksFailed: 0, active: 0 });
  });

  test("whose function hides that the server ended its backend writes nothing, and nothing is sent after it", async () => {
    const manager = await managers.make(server, { pool: DEADLINES }).open();
    const pool = createPool({ ...poolConfig(server), max: 1 });
    const ended = manager.session({ operation: "hides" }, async (session) => {
      await session.query("INSERT INTO writes VALUES ('hidden')");
      const { rows: [row] } = await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      await Promise.all([session.query("SELECT pg_sleep(10)").catch(() => undefined), pool.query("SELECT pg_terminate_backend($1)", [row!.pid])]);
    });
    const error: unknown = await ended.catch((thrown: unknown) => thrown);
    // Not an unknown outcome: COMMIT was never sent.
    expect(classifyError(error).class).toBe("connection");
    expect((await pool.query("SELECT FROM writes WHERE key = 'hidden'")).rowCount).toBe(0);
    await pool.close();
    expect(manager.metrics().sessions).toMatchObject({ rollbacksFailed: 0, commitsUnknown: 0 });
  });
});

function outcomeOf(error: unknown): string {
  if (error === undefined) return "ok";
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === "string" ? code : String(message);
}

/** In all of these cells it is the database, not the number of connections, why none was had. */
function classOf(outcome: string): string {
  return outcome === "POOL_QUERY_TIMEOUT" ? "timeout" : outcome === "POOL_COMMIT_UNKNOWN" ? "unknown-outcome" : "connection";
}

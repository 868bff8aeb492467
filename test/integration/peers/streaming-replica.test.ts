import { classifyError } from "../../../manager/src/errors";
import { createPool } from "../../../manager/src/pool";
import type { DatabaseManager } from "../../../manager/src/sessions";
import { until } from "../../support/pool";
import { caughtUp, loginOf, managerOf, startAgain, startReplicatedPair, streaming } from "./replicated-pair";
import type { ReplicatedPair } from "./replicated-pair";

let pair: ReplicatedPair;
let manager: DatabaseManager;

/** No test here is about the pool's bounds, which a busy machine reaches otherwise. */
const PATIENT = { acquireTimeoutMs: 10_000, connectTimeoutMs: 10_000, queryTimeoutMs: 25_000 };

/** Where a read-only session runs. */
const readsFrom = (db = manager): Promise<"replica" | "primary"> => db.readOnly({}, async (session) => ((await session.query<{ r: boolean }>("SELECT pg_is_in_recovery() AS r")).rows[0]?.r === true ? "replica" : "primary"));
/** Its bound is above the 30 s for which a replica that failed several times is left alone. */
const untilReadsFrom = (where: "replica" | "primary"): Promise<void> => until(async () => (await readsFrom()) === where, `read-only sessions go to the ${where}`, 45_000);
const add = (id: number): Promise<unknown> => manager.session({ operation: "add" }, (session) => session.query("INSERT INTO notes VALUES ($1)", [id]));

beforeAll(async () => {
  pair = await startReplicatedPair();
  const pool = createPool({ ...loginOf(pair.primary), max: 1 });
  await pool.query("CREATE TABLE notes (id int)");
  await pool.close();
  await caughtUp(pair);
});
beforeEach(async () => {
  manager = await managerOf(pair.primary.port, pair.standby.port, PATIENT).open();
  await untilReadsFrom("replica");
});
afterEach(() => manager?.close({ graceMs: 0 }));
afterAll(() => pair?.stop());

test("a service without privileges sees the stream, and reads what has arrived from the replica", async () => {
  await add(1);
  await caughtUp(pair);
  await untilReadsFrom("replica");
  const ids = await manager.readOnly({}, async (session) => (await session.query("SELECT id, pg_is_in_recovery() AS replica FROM notes")).rows as unknown[]);
  expect(ids).toEqual([{ id: 1, replica: true }]);
  await until(async () => (await readsFrom()) === "replica" && manager.metrics().replica?.usable === true, "the metrics say that the replica is usable");
  await until(async () => (await readsFrom()) === "replica" && (await manager.health()).status === "healthy", "the manager is healthy");
});

test("on a quiet primary the replica stays usable, however long ago the last commit was", async () => {
  const [age] = await pair.standby.run("SELECT pg_sleep(greatest(0, 2 - extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()))), 1 AS waited");
  expect(age?.["waited"]).toBe(1);
  // Between two measurements the lag that is reported grows with the time.
  await until(async () => (await readsFrom()) === "replica" && manager.metrics().replica!.lagMs! < 1_500, "the lag is below its bound", 45_000);
});

test("reads go to the primary while replay is behind its bound, and return when it has caught up", async () => {
  await pair.standby.run("SELECT pg_wal_replay_pause()");
  try {
    await add(2);
    await untilReadsFrom("primary");
    await until(async () => (await readsFrom()) === "primary" && (await manager.health()).reasons.join().includes("behind"), "health says that the replica is behind");
    expect(manager.metrics().sessions.replicaFallbacks).toBeGreaterThan(0);
  } finally {
    await pair.standby.run("SELECT pg_wal_replay_resume()");
  }
  await untilReadsFrom("replica");
});

test("a stream that stopped without a word is found out by wal_receiver_timeout", async () => {
  const [sender] = await pair.primary.run("SELECT pid FROM pg_stat_replication");
  // The postmaster too: it would start another sender. What is connected to the primary goes on.
  const stopped = [sender?.["pid"] as number, pair.primary.pid!];
  await add(3);
  await caughtUp(pair);
  for (const pid of stopped) process.kill(pid, "SIGSTOP");
  try {
    await add(3);
    await untilReadsFrom("primary");
  } finally {
    for (const pid of stopped) process.kill(pid, "SIGCONT");
  }
  await streaming(pair.primary);
  await caughtUp(pair);
  await add(3);
  await untilReadsFrom("replica");
});

describe("a replica that was killed", () => {
  test("is left by a session between two statements, and is read from again when it is back and something was written", async () => {
    let runs = 0;
    const where = await manager.readOnly({}, async (session) => {
      if (++runs === 1) {
        await pair.standby.kill("SIGKILL");
        // The loss of the connection ends this run of the session.
        await new Promise(() => undefined);
      }
      return (await session.query<{ r: boolean }>("SELECT pg_is_in_recovery() AS r")).rows[0]?.r;
    });
    expect([runs, where]).toEqual([2, false]);
    expect(await readsFrom()).toBe("primary");
    await startAgain(pair.standby);
    await streaming(pair.primary);
    await add(6);
    await untilReadsFrom("replica");
  });

  // A stream that was begun anew reports the start of the segment as received, which is before what was replayed.
  test("is read from again when it is back, also where nothing is written", async () => {
    await pair.standby.kill("SIGKILL");
    await startAgain(pair.standby);
    await streaming(pair.primary);
    try {
      // Past the age up to which the last commit passes for a lag.
      await pair.standby.run("SELECT pg_sleep(2)");
      await untilReadsFrom("replica");
    } finally {
      await add(7);
    }
  });
});

// The server's last word (57P01) arrives before the end of its connection.
test("a session whose statement is running goes to the primary when its backend on the replica is ended", async () => {
  let runs = 0;
  const where = await manager.readOnly({}, async (session) => {
    if (++runs === 1) {
      const { rows: [row] } = await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      await Promise.all([session.query("SELECT pg_sleep(20)"), pair.standby.run(`SELECT pg_terminate_backend(${row!.pid})`)]);
    }
    return (await session.query<{ r: boolean }>("SELECT pg_is_in_recovery() AS r")).rows[0]?.r;
  });
  expect([runs, where]).toEqual([2, false]);
});

test("a read that stands in the way of replay is run again on the primary", async () => {
  await add(4);
  await caughtUp(pair);
  await untilReadsFrom("replica");
  const seen: unknown[] = [];
  const rows = await manager.readOnly({ isolation: "repeatable read" }, async (session) => {
    const { rows: [first] } = await session.query<{ replica: boolean }>("SELECT pg_is_in_recovery() AS replica, count(*) AS n FROM notes");
    seen.push(first?.replica);
    if (seen.length === 1) {
      const cleaner = createPool({ ...loginOf(pair.primary), max: 1 });
      const cleaning = cleaner.query("DELETE FROM notes WHERE id = 4").then(() => cleaner.query("VACUUM notes"));
      await Promise.all([session.query("SELECT pg_sleep(20) FROM notes LIMIT 1"), cleaning]).finally(() => cleaning.then(() => cleaner.close()));
    }
    return (await session.query("SELECT FROM notes WHERE id = 4")).rowCount;
  });
  expect([seen, rows]).toEqual([[true, false], 0]);
});

test("a write on the replica is refused by the server itself, as something another connection may do", async () => {
  const pool = createPool({ ...loginOf(pair.standby), max: 1 });
  const error: unknown = await pool.query("INSERT INTO notes VALUES (5)").catch((thrown: unknown) => thrown);
  await pool.close();
  expect(classifyError(error)).toMatchObject({ code: "25006", kind: "read-only-server", retry: "connection" });
  await expect(managerOf(pair.standby.port).open()).rejects.toMatchObject({ cause: { code: "PRIMARY_IN_RECOVERY" } });
});

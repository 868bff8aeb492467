import { classifyError } from "../../../manager/src/errors";
import type { DatabaseManager, PrimaryChange } from "../../../manager/src/sessions";
import { poolConfig, startPoolServer, until } from "../../support/pool";
import type { TestServer } from "../../support/server";
import { createPool } from "../../../manager/src/pool";
import { startStandby, startSwitch } from "./standby";
import type { Standby, Switch } from "./standby";
import { Managers, deferred } from "./support";

let server: TestServer;
let standby: Standby;
let address: Switch;
const managers = new Managers();

beforeAll(async () => {
  server = await startPoolServer();
  await onServer(server.port, "CREATE TABLE notes (id int PRIMARY KEY)");
});
beforeEach(async () => {
  await onServer(server.port, "TRUNCATE notes");
  standby = await startStandby(server);
  address = await startSwitch(server.port);
});
afterEach(async () => {
  await managers.close();
  await address.stop();
  await standby.stop();
});
afterAll(() => server?.stop());

async function onServer(port: number, sql: string): Promise<Record<string, unknown>[]> {
  const pool = createPool({ ...poolConfig(server, { port }), max: 1 });
  try {
    return (await pool.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await pool.close();
  }
}

const idsOn = async (port: number): Promise<unknown[]> => (await onServer(port, "SELECT id FROM notes ORDER BY id")).map(({ id }) => id);
const add = (manager: DatabaseManager, id: number): Promise<unknown> => manager.session({ operation: "add" }, (session) => session.query("INSERT INTO notes VALUES ($1)", [id]));
const promoted = (): Promise<void> => {
  standby.promote();
  return until(async () => (await onServer(standby.port, "SELECT pg_is_in_recovery() AS r"))[0]?.["r"] === false, "the standby is promoted", 30_000);
};

test("a standby at the primary's address is refused at start, as something that may pass", async () => {
  address.to(standby.port);
  const error: unknown = await managers.make(server, { port: address.port }).open().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "MANAGER_CONNECT_FAILED", cause: { code: "PRIMARY_IN_RECOVERY" } });
  expect(classifyError(error)).toMatchObject({ kind: "read-only-server", retry: "connection" });
});

test("a standby is never lent a connection to, and the primary serves as soon as the address leads to it again", async () => {
  const manager = await managers.make(server, { port: address.port }).open();
  address.to(standby.port, "cut");
  await expect(add(manager, 1)).rejects.toMatchObject({ code: "PRIMARY_IN_RECOVERY" });
  address.to(server.port);
  await add(manager, 2);
  expect(await idsOn(server.port)).toEqual([2]);
});

test("after a failover the promoted standby is written to, and the session that was open on the old primary is not committed there", async () => {
  const changes: PrimaryChange[] = [];
  const manager = managers.make(server, { port: address.port });
  manager.on("primary", (change) => changes.push(change));
  await manager.open();
  const gate = deferred();
  const running = deferred();
  const old = manager.session({ operation: "old" }, async (session) => {
    await session.query("INSERT INTO notes VALUES (1)");
    running.resolve();
    await gate.promise;
  });
  const oldEnd = old.then(() => "committed", (error: unknown) => error);
  await running.promise;
  await promoted();
  // The old primary lives on: connections to it stay open, as on the wrong side of a partition.
  address.to(standby.port, "stay");
  const both = await Promise.all([manager.session({}, (session) => session.query("SELECT pg_sleep(0.1)")), add(manager, 2), add(manager, 3)]).then(() => "written");
  gate.resolve();
  expect(both).toBe("written");
  expect(await oldEnd).toMatchObject({ code: "PRIMARY_CHANGED" });
  expect(await idsOn(server.port)).toEqual([]);
  expect(await idsOn(standby.port)).toEqual([2, 3]);
  expect(changes.map(({ from, to }) => [from?.timeline, to.timeline])).toEqual([[undefined, 1], [1, 2]]);
});

test("the old primary that comes back is refused, since its history has ended", async () => {
  const manager = await managers.make(server, { port: address.port }).open();
  await promoted();
  address.to(standby.port, "cut");
  await until(() => add(manager, 1).then(() => true, () => false), "the promoted standby serves");
  address.to(server.port, "cut");
  await until(() => add(manager, 2).then(() => false, (error: unknown) => (error as { code?: string }).code === "PRIMARY_STALE"), "the old primary is refused");
  expect(await idsOn(server.port)).toEqual([]);
});

test("another cluster at the address is refused until a person says that it is right", async () => {
  const other = await startPoolServer();
  try {
    const manager = await managers.make(server, { port: address.port, pool: { ssl: { rejectUnauthorized: false } } }).open();
    address.to(other.port, "cut");
    await until(() => add(manager, 1).then(() => false, (error: unknown) => (error as { code?: string }).code === "PRIMARY_OTHER_CLUSTER"), "the other cluster is refused");
    await manager.reinitialize();
    await manager.query("SELECT 1");
  } finally {
    await other.stop();
  }
});

describe("a session whose write is refused as read-only", () => {
  test("is not run again where its server is the primary, and only the transaction read-only", async () => {
    const manager = await managers.make(server, { port: address.port }).open();
    let runs = 0;
    await expect(manager.session({}, async (session) => {
      runs++;
      await session.query("SET TRANSACTION READ ONLY");
      await session.query("INSERT INTO notes VALUES (5)");
    })).rejects.toMatchObject({ code: "25006" });
    expect([runs, manager.metrics().sessions.stalePrimaries]).toEqual([1, 0]);
    await until(() => manager.pool.idleCount === 1, "the connection is kept");
  });

  test("is run again on the primary when its connection leads to a standby after all", async () => {
    const manager = await managers.make(server, { port: address.port, pool: { max: 2 } }).open();
    // A session whose connection was made behind the guard's back stands for a primary that was demoted under it.
    const demoted = createPool({ ...poolConfig(server, { port: standby.port }), max: 1 });
    const acquire = manager.pool.acquire.bind(manager.pool);
    manager.pool.acquire = () => demoted.acquire();
    let runs = 0;
    try {
      await manager.session({}, async (session) => {
        runs++;
        manager.pool.acquire = acquire;
        await session.query("INSERT INTO notes VALUES (5)");
      });
    } finally {
      await demoted.close();
    }
    expect([runs, manager.metrics().sessions.stalePrimaries]).toEqual([2, 1]);
    expect(await idsOn(server.port)).toEqual([5]);
  });

  test("is run once more where the guard refused the connection", async () => {
    const manager = await managers.make(server, { port: address.port, pool: { max: 1 } }).open();
    address.to(standby.port, "cut");
    const states: string[] = [];
    manager.on("transition", (notice) => {
      states.push(notice.to);
      if (notice.to === "acquire-failed") address.to(server.port);
    });
    await add(manager, 6);
    expect(states.slice(-8)).toEqual(["acquire-failed", "acquiring", "beginning", "operating", "committing", "cleaning", "recording", "done"]);
    expect(manager.metrics().sessions.stalePrimaries).toBe(1);
    expect(await idsOn(server.port)).toEqual([6]);
  });
});

describe("read-only sessions", () => {
  const where = (manager: DatabaseManager): Promise<unknown> => manager.readOnly({}, async (session) => (await session.query<{ r: boolean }>("SELECT pg_is_in_recovery() AS r")).rows[0]?.r);

  test("go to the replica while it is within its bound", async () => {
    const manager = await managers.make(server, { replicaPort: standby.port, replicaLagMaxMs: 3_600_000 }).open();
    expect(await where(manager)).toBe(true);
    expect(manager.metrics()).toMatchObject({ sessions: { replicaReads: 1, replicaFallbacks: 0 }, replica: { usable: true } });
  });

  test("go to the primary when the replica is behind its bound, and health says so", async () => {
    const manager = await managers.make(server, { replicaPort: standby.port, replicaLagMaxMs: 1 }).open();
    expect(await where(manager)).toBe(false);
    await expect(manager.health()).resolves.toMatchObject({ status: "degraded", replica: { usable: false }, reasons: [expect.stringContaining("behind")] });
  });

  test("go to the primary when the replica is gone, also in the middle of one", async () => {
    const toReplica = await startSwitch(standby.port);
    try {
      const manager = await managers.make(server, { replicaPort: toReplica.port, replicaLagMaxMs: 3_600_000 }).open();
      let runs = 0;
      const recovery = await manager.readOnly({}, async (session) => {
        if (++runs === 1) toReplica.to(1, "cut");
        return (await session.query<{ r: boolean }>("SELECT pg_is_in_recovery() AS r")).rows[0]?.r;
      });
      expect([runs, recovery]).toEqual([2, false]);
      expect(await where(manager)).toBe(false);
    } finally {
      await toReplica.stop();
    }
  });

  test("do not go to a replica that was promoted", async () => {
    await promoted();
    const manager = await managers.make(server, { replicaPort: standby.port, replicaLagMaxMs: 3_600_000 }).open();
    expect(await where(manager)).toBe(false);
    expect(manager.metrics().replica?.reason).toContain("promoted");
    expect(manager.metrics().sessions.replicaFallbacks).toBe(1);
  });
});

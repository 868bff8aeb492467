import { classifyError } from "../../../manager/src/errors";
import type { DatabaseManager, Session } from "../../../manager/src/sessions";
import { startPoolServer, until } from "../../support/pool";
import type { TestServer } from "../../support/server";
import { Managers, deferred, sessionStates } from "./support";

let server: TestServer;
let manager: DatabaseManager;
const managers = new Managers();

beforeAll(async () => {
  server = await startPoolServer();
});
beforeEach(async () => {
  manager = await managers.make(server).open();
  await manager.query("DROP TABLE IF EXISTS notes");
  await manager.query("CREATE TABLE notes (id int PRIMARY KEY, parent int REFERENCES notes DEFERRABLE INITIALLY DEFERRED)");
});
afterEach(() => managers.close());
afterAll(() => server?.stop());

const insert = (session: Session, id: number): Promise<unknown> => session.query("INSERT INTO notes (id) VALUES ($1)", [id]);
async function ids(): Promise<number[]> {
  const { rows } = await manager.query<{ id: number }>("SELECT id FROM notes ORDER BY id");
  return rows.map(({ id }) => id);
}

describe("one session", () => {
  test("commits when its function returns, and passes through the states of success", async () => {
    const states = sessionStates(manager);
    await expect(manager.session({ operation: "note.add" }, async (session) => insert(session, 1).then(() => "done"))).resolves.toBe("done");
    expect(await ids()).toEqual([1]);
    expect(states).toEqual(["beginning", "operating", "committing", "cleaning", "recording", "done"]);
    expect(manager.metrics()).toMatchObject({ sessions: { started: 1, committed: 1, failed: 0, active: 0 }, operations: { "note.add": { count: 1, failed: 0 } } });
  });

  test("rolls back when its function throws, and keeps the connection", async () => {
    const pid = (await manager.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]?.pid;
    const states = sessionStates(manager);
    await expect(manager.session({}, async (session) => {
      await insert(session, 1);
      throw new Error("no");
    })).rejects.toThrow("no");
    expect(await ids()).toEqual([]);
    expect(states).toEqual(["beginning", "operating", "operation-failed", "rolling-back", "cleaning", "recording", "failed"]);
    await expect(manager.query("SELECT pg_backend_pid() AS pid")).resolves.toMatchObject({ rows: [{ pid }] });
  });

  test("that swallows the error of a statement is told that nothing was committed", async () => {
    await expect(manager.session({}, async (session) => {
      await insert(session, 1);
      await insert(session, 1).catch(() => undefined);
    })).rejects.toMatchObject({ code: "SESSION_NOT_COMMITTED" });
    expect(await ids()).toEqual([]);
  });

  test("whose COMMIT the server refuses ends with the server's error", async () => {
    await expect(manager.session({}, (session) => session.query("INSERT INTO notes VALUES (1, 99)"))).rejects.toMatchObject({ code: "23503" });
    expect(await ids()).toEqual([]);
    expect(manager.metrics().sessions).toMatchObject({ commitsRefused: 1, commitsUnknown: 0 });
  });

  test("waits for statements that its function did not wait for", async () => {
    await manager.session({}, (session) => {
      void insert(session, 1);
      void insert(session, 2);
    });
    expect(await ids()).toEqual([1, 2]);
  });

  test("cannot be used after its end", async () => {
    let kept: Session | undefined;
    await manager.session({}, (session) => void (kept = session));
    await expect(kept?.query("SELECT 1")).rejects.toMatchObject({ code: "SESSION_ENDED" });
  });

  test.each(["COMMIT", " rollback ", "begin", "END", "START TRANSACTION", "ROLLBACK AND CHAIN"])("refuses %s before it is sent", async (text) => {
    await expect(manager.session({}, async (session) => {
      await insert(session, 1);
      await session.query(text);
    })).rejects.toMatchObject({ code: "SESSION_TRANSACTION_CONTROL" });
    expect(await ids()).toEqual([]);
  });

  test("notices a COMMIT that was hidden behind a comment", async () => {
    await expect(manager.session({}, (session) => session.query("/* x */ COMMIT"))).rejects.toMatchObject({ code: "SESSION_TRANSACTION_CONTROL" });
  });

  test("leaves nothing of its session state to the next borrower", async () => {
    const single = await managers.make(server, { pool: { max: 1 } }).open();
    await single.session({}, async (session) => {
      await session.query("SET work_mem = '123MB'");
      await session.query("SELECT pg_advisory_lock(4711)");
      await session.query("LISTEN news");
      await session.query("CREATE TEMP TABLE leftover (n int)");
    });
    const { rows } = await single.query(
      "SELECT current_setting('work_mem') AS memory, (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory') AS locks, (SELECT count(*)::int FROM pg_listening_channels()) AS channels, to_regclass('pg_temp.leftover') AS leftover",
    );
    expect(rows).toEqual([{ memory: expect.not.stringContaining("123") as string, locks: 0, channels: 0, leftover: null }]);
  });

  test("has the isolation that was asked for, and may not write where it is read-only", async () => {
    const show = await manager.session({ isolation: "serializable" }, (session) => session.query<{ transaction_isolation: string }>("SHOW transaction_isolation"));
    expect(show.rows[0]?.transaction_isolation).toBe("serializable");
    await expect(manager.readOnly({}, (session) => insert(session, 1))).rejects.toMatchObject({ code: "25006" });
    expect(manager.metrics().sessions.stalePrimaries).toBe(0);
  });
});

describe("a nested session", () => {
  test("is undone alone when it fails", async () => {
    await manager.session({}, async (session) => {
      await insert(session, 1);
      await expect(manager.session({ operation: "inner" }, async (inner) => {
        await insert(inner, 2);
        await insert(inner, 1);
      })).rejects.toMatchObject({ code: "23505" });
      await manager.session({}, (inner) => insert(inner, 3));
    });
    expect(await ids()).toEqual([1, 3]);
    expect(manager.metrics().sessions).toMatchObject({ started: 1, savepoints: 2 });
  });

  test("goes with the outer one when that fails", async () => {
    await expect(manager.session({}, async () => {
      await manager.session({}, (inner) => insert(inner, 1));
      throw new Error("outer");
    })).rejects.toThrow("outer");
    expect(await ids()).toEqual([]);
  });

  test("shares its connection with the outer one and with the manager's own query", async () => {
    const single = await managers.make(server, { pool: { max: 1, acquireTimeoutMs: 5_000 } }).open();
    await single.session({}, async (session) => {
      await insert(session, 1);
      await single.session({}, (inner) => insert(inner, 2));
      expect((await single.query("SELECT id FROM notes")).rowCount).toBe(2);
    });
  });

  test("waits for its turn when several are begun at once", async () => {
    await manager.session({}, () =>
      Promise.allSettled([1, 2, 1, 3].map((id) => manager.session({}, (inner) => insert(inner, id)))).then((ends) => expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"])),
    );
    expect(await ids()).toEqual([1, 2, 3]);
  });

  test("keeps the outer one from being used or ended meanwhile", async () => {
    await expect(manager.session({}, async (session) => {
      await manager.session({}, () => insert(session, 1));
    })).rejects.toMatchObject({ code: "SESSION_NESTED_ACTIVE" });
    const gate = deferred();
    await expect(manager.session({}, async () => {
      void manager.session({}, () => gate.promise).catch(() => undefined);
    })).rejects.toMatchObject({ code: "SESSION_NESTED_ACTIVE" });
    gate.resolve();
    expect(await ids()).toEqual([]);
  });

  test("that swallows an error of a statement is undone and says so", async () => {
    await manager.session({}, async (session) => {
      await insert(session, 1);
      await expect(manager.session({}, async (inner) => {
        await insert(inner, 2);
        await inner.query("SELECT 1 / 0").catch(() => undefined);
      })).rejects.toMatchObject({ code: "SESSION_NOT_COMMITTED" });
    });
    expect(await ids()).toEqual([1]);
  });

  test("may not want to write inside a read-only one", async () => {
    await expect(manager.readOnly({}, () => manager.session({ readOnly: false }, () => 1))).rejects.toMatchObject({ code: "SESSION_READ_ONLY" });
  });

  test("begun by something that outlives the outer one is a session of its own", async () => {
    const gate = deferred();
    let later: Promise<unknown> = Promise.resolve();
    await manager.session({}, () => {
      later = gate.promise.then(() => manager.session({}, (session) => insert(session, 7)));
    });
    gate.resolve();
    await later;
    expect(await ids()).toEqual([7]);
  });
});

describe("a deadline", () => {
  test("ends a slow statement through the server, and the connection lives", async () => {
    const removed = manager.pool.stats().total;
    const error: unknown = await manager.session({ operation: "slow", deadlineMs: 1_000 }, (session) => session.query("SELECT pg_sleep(20)")).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "SESSION_DEADLINE", cause: { code: "57014" } });
    expect(manager.pool.stats().total).toBe(removed);
    expect(manager.metrics().sessions).toMatchObject({ deadlines: 1, active: 0 });
  });

  test("ends a function that does not use the database, and its connection", async () => {
    const started = performance.now();
    await expect(manager.session({ deadlineMs: 200 }, async (session) => {
      await insert(session, 1);
      await new Promise(() => undefined);
    })).rejects.toMatchObject({ code: "SESSION_DEADLINE" });
    expect(performance.now() - started).toBeGreaterThan(195);
    expect(await ids()).toEqual([]);
    await until(async () => (await manager.query("SELECT FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")).rowCount === 0, "the server has rolled back");
  });

  test("holds for many short statements together", async () => {
    await expect(manager.session({ deadlineMs: 300 }, async (session) => {
      for (;;) await session.query("SELECT pg_sleep(0.02)");
    })).rejects.toMatchObject({ code: "SESSION_DEADLINE" });
  });

  test("holds while waiting for a connection", async () => {
    const single = await managers.make(server, { pool: { max: 1 } }).open();
    const gate = deferred();
    const holder = single.session({}, () => gate.promise);
    await expect(single.session({ deadlineMs: 100 }, () => 1)).rejects.toMatchObject({ code: "POOL_ACQUIRE_TIMEOUT" });
    gate.resolve();
    await holder;
  });

  test("of a nested session ends the whole", async () => {
    await expect(manager.session({}, async (session) => {
      await insert(session, 1);
      await manager.session({ deadlineMs: 100 }, () => new Promise(() => undefined)).catch(() => undefined);
    })).rejects.toMatchObject({ code: "SESSION_DEADLINE" });
    expect(await ids()).toEqual([]);
  });

  test("that passed leaves the function no other way to write", async () => {
    let late: Promise<unknown> | undefined;
    const gate = deferred();
    await expect(manager.session({ deadlineMs: 1_000 }, async () => {
      late = gate.promise.then(() => manager.session({}, (session) => insert(session, 1)));
      await late;
    })).rejects.toMatchObject({ code: "SESSION_DEADLINE" });
    gate.resolve();
    await expect(late).rejects.toMatchObject({ code: "SESSION_DEADLINE" });
    expect(await ids()).toEqual([]);
  });
});

describe("a signal", () => {
  test("cancels what runs and rolls back", async () => {
    const controller = new AbortController();
    const running = manager.session({ operation: "called off", signal: controller.signal }, async (session) => {
      await insert(session, 1);
      const sleeping = session.query("SELECT pg_sleep(60)");
      setImmediate(() => controller.abort());
      await sleeping;
    });
    await expect(running).rejects.toMatchObject({ code: "SESSION_ABORTED" });
    await until(async () => (await manager.query("SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()")).rowCount === 0, "the backend stopped");
    expect(await ids()).toEqual([]);
  });

  test("that fired before is an abort, whether or not it has to wait", async () => {
    await expect(manager.session({ signal: AbortSignal.abort() }, () => 1)).rejects.toMatchObject({ code: "SESSION_ABORTED" });
    expect(classifyError(await manager.session({ signal: AbortSignal.abort() }, () => 1).catch((error: unknown) => error)).retryable).toBe(false);
  });
});

describe("executeWithRetry", () => {
  test("repeats a deadlock's victim until both are through", async () => {
    await manager.query("INSERT INTO notes (id) VALUES (1), (2)");
    const both = [deferred(), deferred()];
    let runs = 0;
    const lock = (mine: number) => manager.executeWithRetry({ operation: "lock" }, async (session) => {
      runs++;
      await session.query("SELECT FROM notes WHERE id = $1 FOR UPDATE", [mine + 1]);
      both[mine]?.resolve();
      await both[1 - mine]?.promise;
      await session.query("SELECT FROM notes WHERE id = $1 FOR UPDATE", [2 - mine]);
    });
    await Promise.all([lock(0), lock(1)]);
    expect(runs).toBe(3);
    expect(manager.metrics().sessions.retries).toBe(1);
  });

  test("does not repeat what would fail again", async () => {
    let runs = 0;
    await expect(manager.executeWithRetry({}, (session) => {
      runs++;
      return session.query("SELECT * FROM nothing_of_that_name");
    })).rejects.toMatchObject({ code: "42P01" });
    expect(runs).toBe(1);
  });

  test.each([[false, 1], [true, 2]])("after a connection lost in the middle (idempotent: %s) runs %i times", async (idempotent, expected) => {
    let runs = 0;
    const end = await manager.executeWithRetry({ idempotent }, async (session) => {
      const { rows } = await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      if (++runs === 1) {
        await manager.pool.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
        await session.query("SELECT pg_sleep(10)");
      }
    }).then(() => "ok", (error: unknown) => classifyError(error).class);
    expect([runs, end]).toEqual([expected, idempotent ? "ok" : "connection"]);
  });
});

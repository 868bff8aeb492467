import { EscalationPolicy, classifyError } from "../../../manager/src/errors";
import type { Alert } from "../../../manager/src/errors";
import { CircuitBreaker } from "../../../manager/src/errors";
import type { DatabaseManager, ManagerEvents } from "../../../manager/src/sessions";
import { startFaultProxy } from "../../support/fault-proxy";
import type { FaultProxy } from "../../support/fault-proxy";
import { startPoolServer, until } from "../../support/pool";
import type { TestServer } from "../../support/server";
import { Managers, sessionStates } from "./support";

let server: TestServer;
let proxy: FaultProxy;
let admin: DatabaseManager;
const managers = new Managers();
const alerts: Alert[] = [];
const escalation = (): EscalationPolicy => new EscalationPolicy({ onAlert: (alert) => void alerts.push(alert) });

beforeAll(async () => {
  server = await startPoolServer();
});
beforeEach(async () => {
  alerts.length = 0;
  proxy = await startFaultProxy(server);
  admin = await managers.make(server).open();
  // A deferred trigger makes COMMIT take long enough for a fault to come meanwhile.
  await admin.query(`
    DROP TABLE IF EXISTS notes;
    CREATE TABLE notes (id int PRIMARY KEY);
    CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id > 100 THEN PERFORM pg_sleep(0.6); END IF; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()`);
});
afterEach(async () => {
  await managers.close();
  await proxy.stop();
});
afterAll(() => server?.stop());

const committing = (): Promise<void> => until(async () => (await admin.query("SELECT FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'")).rowCount === 1, "COMMIT runs");
const count = async (): Promise<number> => (await admin.query<{ n: number }>("SELECT count(*)::int AS n FROM notes")).rows[0]?.n ?? -1;

test("a connection lost in COMMIT is an unknown outcome of its own, an alert, and never repeated", async () => {
  const manager = await managers.make(server, { port: proxy.port, escalation: escalation() }).open();
  const states = sessionStates(manager);
  let runs = 0;
  const end = manager.executeWithRetry({ operation: "pay", idempotent: true }, (session) => {
    runs++;
    return session.query("INSERT INTO notes VALUES (101)");
  }).catch((error: unknown) => error);
  await committing();
  await proxy.set({ kind: "reset" });
  const error = await end;
  await proxy.clear();
  expect(error).toMatchObject({ code: "COMMIT_OUTCOME_UNKNOWN" });
  expect(classifyError(error)).toMatchObject({ class: "unknown-outcome", retryable: false });
  expect(runs).toBe(1);
  expect(states).toEqual(["beginning", "operating", "committing", "commit-unknown", "quarantining", "recording", "manual-intervention"]);
  expect(alerts).toMatchObject([{ level: "critical", group: { error: { kind: "commit-unknown" }, operations: ["pay"] } }]);
  expect(manager.metrics().sessions).toMatchObject({ commitsUnknown: 1, active: 0 });
  // It did happen: repeating it would have failed, or done it twice.
  await until(async () => (await count()) === 1, "the server commits");
});

test("a COMMIT whose answer does not come within the deadline is an unknown outcome, not a deadline", async () => {
  const manager = await managers.make(server, { port: proxy.port }).open();
  const end = manager.session({ deadlineMs: 2_000 }, (session) => session.query("INSERT INTO notes VALUES (101)")).catch((error: unknown) => error);
  await committing();
  await proxy.set({ kind: "black-hole" });
  expect(await end).toMatchObject({ code: "COMMIT_OUTCOME_UNKNOWN" });
});

test("a COMMIT that the server gives up at the deadline is a deadline: the server says that it rolled back", async () => {
  const manager = await managers.make(server).open();
  await expect(manager.session({ deadlineMs: 150 }, (session) => session.query("INSERT INTO notes VALUES (101)"))).rejects.toMatchObject({ code: "SESSION_DEADLINE" });
  expect(await count()).toBe(0);
});

test("a signal does not disturb a COMMIT that was sent", async () => {
  const controller = new AbortController();
  const manager = await managers.make(server).open();
  const end = manager.session({ signal: controller.signal }, (session) => session.query("INSERT INTO notes VALUES (101)"));
  await committing();
  controller.abort();
  await end;
  expect(await count()).toBe(1);
});

test("a ROLLBACK that fails raises the integrity alert and costs the connection, and the caller has its own error", async () => {
  const manager = await managers.make(server, { port: proxy.port, escalation: escalation(), pool: { max: 1 } }).open();
  const notices: ManagerEvents["integrity"][0][] = [];
  manager.on("integrity", (notice) => notices.push(notice));
  const states = sessionStates(manager);
  await expect(manager.session({ operation: "order" }, async (session) => {
    await session.query("INSERT INTO notes VALUES (1)");
    await proxy.set({ kind: "black-hole" });
    throw new Error("the caller's own");
  })).rejects.toThrow("the caller's own");
  await proxy.clear();
  expect(notices).toMatchObject([{ operation: "order", error: { code: "ROLLBACK_FAILED" } }]);
  expect(alerts).toMatchObject([{ level: "critical", group: { error: { class: "integrity", kind: "rollback-failed" } } }]);
  expect(states.slice(2)).toEqual(["operation-failed", "rolling-back", "rollback-failed", "quarantining", "recording", "manual-intervention"]);
  await manager.session({}, (session) => session.query("SELECT 1"));
  expect(await count()).toBe(0);
});

test("a network that swallows everything ends a session within its deadline and a tenth", async () => {
  const manager = await managers.make(server, { port: proxy.port }).open();
  await manager.query("SELECT 1");
  const error: unknown = await manager.session({ deadlineMs: 500 }, async (session) => {
    await session.query("INSERT INTO notes VALUES (1)");
    await proxy.set({ kind: "black-hole" });
    await session.query("SELECT 1");
  }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "SESSION_DEADLINE" });
  await proxy.clear();
  // The server ends it by itself: nobody could tell it.
  await until(async () => (await admin.query("SELECT FROM pg_stat_activity WHERE state = 'idle in transaction'")).rowCount === 0, "the server has given up");
  expect(await count()).toBe(0);
});

test("a connection that dies between two statements ends the session at once", async () => {
  const manager = await managers.make(server).open();
  await expect(manager.session({}, async (session) => {
    const { rows } = await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    await admin.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
    await new Promise(() => undefined);
  })).rejects.toMatchObject({ code: "57P01" });
});

test("with a breaker, sessions fail at once while the server is gone, and one probes", async () => {
  const breaker = new CircuitBreaker({ name: "test", failuresToOpen: 2, openMinMs: 10_000, openMaxMs: 10_000 });
  const manager = await managers.make(server, { port: proxy.port, breaker, pool: { acquireTimeoutMs: 200 } }).open();
  await proxy.set({ kind: "down" });
  const codes: unknown[] = [];
  for (let call = 0; call < 6; call++) codes.push(await manager.session({}, () => 1).catch((error: { code: unknown }) => error.code));
  expect(codes.at(-1)).toBe("BREAKER_OPEN");
  expect(breaker.state).toBe("open");
});

test("a listener that throws disturbs no session", async () => {
  const manager = await managers.make(server).open();
  manager.on("transition", () => {
    throw new Error("listener");
  });
  await expect(manager.session({}, () => 1)).resolves.toBe(1);
});

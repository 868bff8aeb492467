import { ConfigManager, IsolatedEnvironment } from "../../../manager/src/config";
import type { AppConfig } from "../../../manager/src/config";
import { createPool } from "../../../manager/src/pool";
import { DatabaseManager } from "../../../manager/src/sessions";
import type { DatabaseConfig, StartFailure, TransitionNotice } from "../../../manager/src/sessions";
import { startFaultProxy } from "../../support/fault-proxy";
import type { FaultProxy } from "../../support/fault-proxy";
import { adminConfig, poolConfig, startPoolServer, until } from "../../support/pool";
import type { TestServer } from "../../support/server";
import { Managers, deferred, urlOf } from "./support";

let server: TestServer;
let proxy: FaultProxy;
const managers = new Managers();

beforeAll(async () => {
  server = await startPoolServer();
});
beforeEach(async () => {
  proxy = await startFaultProxy(server);
});
afterEach(async () => {
  await managers.close();
  await proxy.stop();
});
afterAll(() => server?.stop());

function watched(manager: DatabaseManager): { states: string[]; failures: StartFailure[] } {
  const states: string[] = [];
  const failures: StartFailure[] = [];
  manager.on("transition", (notice: TransitionNotice) => {
    if (notice.machine === "manager") states.push(notice.to);
  });
  manager.on("start-failure", (failure) => failures.push(failure));
  return { states, failures };
}

test("a start passes through the states of success", async () => {
  const done: string[] = [];
  const manager = managers.make(server, {
    schema: { initialize: () => void done.push("schema") },
    monitoring: { start: () => void done.push("monitoring") },
  });
  const { states } = watched(manager);
  await Promise.all([manager.open(), manager.initialize()]);
  expect(states).toEqual(["loading-config", "resolving-url", "testing-connection", "initialising-schema", "starting-monitoring", "ready"]);
  expect(done).toEqual(["schema", "monitoring"]);
  await expect(manager.health()).resolves.toMatchObject({ status: "healthy", reasons: [], server: { timeline: 1, systemIdentifier: server.systemIdentifier } });
});

test("before it is open, and after its end, nothing is let in", async () => {
  const manager = managers.make(server);
  await expect(manager.session({}, () => 1)).rejects.toMatchObject({ code: "MANAGER_NOT_READY" });
  await expect(manager.query("SELECT 1")).rejects.toMatchObject({ code: "MANAGER_NOT_READY" });
  await expect(manager.health()).resolves.toMatchObject({ status: "unhealthy", state: "new" });
  await manager.open();
  await manager.close();
  await manager.close();
  expect(manager.state).toBe("closed");
  await expect(manager.session({}, () => 1)).rejects.toMatchObject({ code: "MANAGER_CLOSED" });
  await expect(manager.open()).rejects.toMatchObject({ code: "MANAGER_CLOSED" });
});

test("a database that comes up late is waited for within the attempts", async () => {
  await proxy.set({ kind: "down" });
  const manager = managers.track(new DatabaseManager({ config: { url: urlOf(server, proxy.port), connectAttemptsMax: 50 } }));
  const { states, failures } = watched(manager);
  const opening = manager.open();
  await until(() => failures.length > 0, "the first attempt failed");
  await proxy.clear();
  await opening;
  expect(states.slice(2, 5)).toEqual(["testing-connection", "connection-failed", "testing-connection"]);
  expect(failures[0]).toMatchObject({ state: "connection-failed", strategy: "retry" });
});

test("a wrong password is not tried twice, ends in manual intervention, and reinitialize leads out once it is mended", async () => {
  let password = "wrong";
  const load = async (): Promise<DatabaseConfig> => ({ url: urlOf(server).replace(/(postgresql:\/\/[^:]+:)[^@]*/, (whole, login: string) => (password === "" ? whole : `${login}${password}`)) });
  const manager = managers.track(new DatabaseManager({ config: load }));
  const { states, failures } = watched(manager);
  const error: unknown = await manager.open().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "MANAGER_CONNECT_FAILED", cause: { code: "28P01" } });
  expect(JSON.stringify(error)).not.toContain(password);
  expect(states).toEqual(["loading-config", "resolving-url", "testing-connection", "connection-failed", "manual-intervention"]);
  expect(failures.map(({ strategy }) => strategy)).toEqual(["give-up"]);
  password = "";
  await manager.reinitialize();
  expect(manager.state).toBe("ready");
  await manager.query("SELECT 1");
});

test("a URL that nothing can read is not tried twice", async () => {
  const manager = managers.track(new DatabaseManager({ config: { url: "mysql://x:secret@y/z" } }));
  const { states } = watched(manager);
  await expect(manager.open()).rejects.toMatchObject({ code: expect.stringMatching(/^DATABASE_URL_/) as string });
  expect(states.slice(-2)).toEqual(["url-invalid", "manual-intervention"]);
});

test("a secret store that does not answer is asked again", async () => {
  let calls = 0;
  const manager = managers.track(new DatabaseManager({
    config: () => {
      if (++calls < 3) throw Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
      return { url: urlOf(server) };
    },
  }));
  const { states } = watched(manager);
  await manager.open();
  expect(states.slice(0, 5)).toEqual(["loading-config", "config-failed", "loading-config", "config-failed", "loading-config"]);
});

test("what a ConfigManager loads is all that it needs, and the pools are sized as it says", async () => {
  const environment = new IsolatedEnvironment({ service: "shop", source: { DATABASE_URL: urlOf(server), DB_MAX_CONNECTIONS: "7" } });
  const manager = managers.track(new DatabaseManager({ config: () => new ConfigManager({ service: "shop", environment }).load() }));
  await manager.open();
  await manager.session({}, (session) => session.query("SELECT 1"));
  expect(manager.metrics().primary).toMatchObject({ name: "shop", max: 7 });

  const nothing = managers.track(new DatabaseManager({ config: () => new ConfigManager({ service: "shop", environment: new IsolatedEnvironment({ service: "shop", source: {} }) }).load() }));
  await expect(nothing.open()).rejects.toMatchObject({ name: "ConfigError" });
  expect(nothing.state).toBe("manual-intervention");
});

test("a pool that would not fit twice under the login's CONNECTION LIMIT is refused at start, is not tried twice, and is taken once it fits", async () => {
  const admin = createPool({ ...adminConfig(server), max: 1 });
  const limit = (most: number): Promise<unknown> => admin.query(`ALTER ROLE ${poolConfig(server).user!} CONNECTION LIMIT ${most}`);
  let max = "4";
  const load = (): Promise<AppConfig> => new ConfigManager({ service: "shop", environment: new IsolatedEnvironment({ service: "shop", source: { DATABASE_URL: urlOf(server), DB_MAX_CONNECTIONS: max } }) }).load();
  const manager = managers.track(new DatabaseManager({ config: load }));
  const { states, failures } = watched(manager);
  await limit(7);
  try {
    await expect(manager.open()).rejects.toMatchObject({ code: "CONFIG_POOL_OVER_BUDGET", hint: expect.stringContaining("DB_MAX_CONNECTIONS to 3") as string });
    expect(states.slice(-2)).toEqual(["connection-failed", "manual-intervention"]);
    expect(failures.map(({ strategy }) => strategy)).toEqual(["give-up"]);
    max = "3";
    await manager.reinitialize();
    expect(manager.metrics().primary).toMatchObject({ max: 3 });
  } finally {
    await limit(-1);
    await admin.close();
  }
});

test("what a schema that cannot be initialised does to the start is chosen", async () => {
  const initialize = (): never => {
    throw new Error("no such migration");
  };
  const strict = managers.make(server, { schema: { initialize } });
  await expect(strict.open()).rejects.toMatchObject({ code: "MANAGER_SCHEMA_FAILED" });
  expect(strict.state).toBe("manual-intervention");

  const lenient = managers.make(server, { schema: { initialize, onFailure: "go-on" } });
  const { states, failures } = watched(lenient);
  await lenient.open();
  expect(states.slice(-3)).toEqual(["schema-failed", "starting-monitoring", "ready"]);
  expect(failures).toMatchObject([{ state: "schema-failed", strategy: "go-on" }]);
});

test("monitoring that cannot be started never fails the start", async () => {
  const manager = managers.make(server, { monitoring: { start: () => Promise.reject(new Error("no collector")) } });
  const { failures } = watched(manager);
  await manager.open();
  expect(failures).toMatchObject([{ state: "monitoring-failed", strategy: "go-on" }]);
  expect(manager.state).toBe("ready");
});

test("reinitialize exchanges the pools; sessions that run end on the old one", async () => {
  const manager = await managers.make(server).open();
  const gate = deferred();
  const started = deferred();
  const running = manager.session({}, async (session) => {
    started.resolve();
    await gate.promise;
    return session.query("SELECT 1");
  });
  await started.promise;
  const before = manager.pool;
  await manager.reinitialize();
  expect(manager.pool).not.toBe(before);
  await manager.query("SELECT 1");
  gate.resolve();
  await running;
});

test("a reinitialize that fails leaves the old pools serving, and health says so", async () => {
  let url = urlOf(server);
  const manager = managers.track(new DatabaseManager({ config: () => ({ url, connectAttemptsMax: 1 }) }));
  await manager.open();
  url = urlOf(server, 1);
  const { states } = watched(manager);
  await expect(manager.reinitialize()).rejects.toMatchObject({ code: "MANAGER_CONNECT_FAILED" });
  expect(states.slice(-2)).toEqual(["connection-failed", "ready"]);
  await manager.query("SELECT 1");
});

test("close ends while a start still tries, and while sessions hang", async () => {
  await proxy.set({ kind: "down" });
  const starting = new DatabaseManager({ config: { url: urlOf(server, proxy.port), connectAttemptsMax: 1_000 } });
  const { failures } = watched(starting);
  const opening = starting.open().catch((error: unknown) => error);
  await until(() => failures.length > 0, "it tries");
  await starting.close();
  expect(await opening).toBeInstanceOf(Error);
  expect(starting.state).toBe("closed");

  const hanging = await managers.make(server).open();
  const entered = deferred();
  const end = hanging.session({}, async () => {
    entered.resolve();
    await new Promise(() => undefined);
  }).catch((error: unknown) => error);
  await entered.promise;
  await hanging.close({ graceMs: 50 });
  expect(await end).toMatchObject({ code: "SESSION_ABORTED" });
});

test("health is unhealthy while the primary is gone, and healthy again", async () => {
  const manager = await managers.make(server, { port: proxy.port }).open();
  await proxy.set({ kind: "down" });
  await expect(manager.health()).resolves.toMatchObject({ status: "unhealthy", reasons: [expect.stringContaining("primary")] });
  await proxy.clear();
  await until(async () => (await manager.health()).status === "healthy", "it is healthy again");
});

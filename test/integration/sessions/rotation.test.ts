import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigManager, IsolatedEnvironment } from "../../../manager/src/config";
import { classifyError } from "../../../manager/src/errors";
import { createPool } from "../../../manager/src/pool";
import type { Pool } from "../../../manager/src/pool";
import { DatabaseManager } from "../../../manager/src/sessions";
import { underLoad } from "../../support/load";
import { adminConfig, poolConfig, startPoolServer, until } from "../../support/pool";
import type { TestServer } from "../../support/server";
import { Managers } from "./support";

let server: TestServer;
let admin: Pool;
let folder: string;
const managers = new Managers();

beforeAll(async () => {
  server = await startPoolServer();
  admin = createPool({ ...adminConfig(server), max: 1 });
  folder = mkdtempSync(join(tmpdir(), "bulkhead-rotation-"));
  for (const user of ["shop_user", "shop_user_b"]) await admin.query(`CREATE ROLE ${user} LOGIN PASSWORD '${user} of tests'`);
});
afterEach(() => managers.close());
afterAll(async () => {
  await admin?.close({ graceMs: 0 });
  rmSync(folder, { recursive: true, force: true });
  await server?.stop();
});

/** Writes the service's secret as `up` and a rotation do: whole or not at all. */
function writeSecret(username: string): string {
  const path = join(folder, "app.json");
  const { host, port, database } = poolConfig(server);
  writeFileSync(`${path}.new`, JSON.stringify({ host, port, dbname: database, username, password: `${username} of tests`, sslmode: "verify-full", ca: server.ca }));
  renameSync(`${path}.new`, path);
  return path;
}

test("a service under load goes on with the other login after a rotation, without reinitialize() and no session fails but those that the server cut", async () => {
  const environment = new IsolatedEnvironment({ service: "shop", source: { DB_SECRET_FILE: writeSecret("shop_user"), DB_MAX_CONNECTIONS: "4" } });
  const manager = managers.track(new DatabaseManager({ config: () => new ConfigManager({ service: "shop", environment }).load() }));
  await manager.open();
  const users = new Set<string>();
  const work = (): Promise<void> =>
    manager.session({ operation: "work" }, async (session) => void users.add((await session.query<{ user: string }>("SELECT current_user AS user")).rows[0]!.user));
  const failures = await underLoad(6, work, async (load) => {
    await until(() => load.succeeded > 20, "the service works");
    expect([...users]).toEqual(["shop_user"]);
    writeSecret("shop_user_b");
    await admin.query("ALTER ROLE shop_user NOLOGIN");
    await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop_user'");
    await until(() => users.has("shop_user_b"), "the service logs in as the second");
    await until(async () => (await admin.query("SELECT 1 FROM pg_stat_activity WHERE usename = 'shop_user'")).rowCount === 0, "it has left the first");
  });
  // Only sessions that the server cut, one on each connection at most.
  expect(failures.length).toBeLessThanOrEqual(4);
  for (const error of failures) expect(["connection", "unknown-outcome"]).toContain(classifyError(error).class);
  expect(manager.state).toBe("ready");
});

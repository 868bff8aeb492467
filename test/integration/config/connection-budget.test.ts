import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineServices } from "../../../manager/src/catalog/define-services";
import { ConfigManager, IsolatedEnvironment, checkConnectionBudget, poolOptions } from "../../../manager/src/config";
import type { ConfigManagerOptions } from "../../../manager/src/config";
import { createPool } from "../../../manager/src/pool";
import { provision } from "../../../manager/src/provision/provision";
import { startTestServer } from "../../support/server";
import type { TestServer } from "../../support/server";
import { provisionOptions, runAsAdmin, testPlan } from "../../support/tier";

let server: TestServer;
let secretFile: string;
beforeAll(async () => {
  server = await startTestServer();
  await provision(testPlan(defineServices({ auth: { port: 5500, connections: 12 } })), provisionOptions(server));
  secretFile = join(server.directory, "secrets", "auth", "app.json");
});
afterAll(() => server.stop());

const load = async (variables: Record<string, string>, options: Partial<ConfigManagerOptions> = {}) => {
  const config = await new ConfigManager({ service: "auth", target: "host", environment: new IsolatedEnvironment({ service: "auth", source: variables }), ...options }).load();
  if (config.database.kind !== "postgres") throw new Error("on memory");
  return { config, database: config.database };
};

test("a pool made from the secret file that provisioning wrote connects with TLS verified, as the service's login", async () => {
  const { config, database } = await load({ DB_SECRET_FILE: secretFile }, { connectionLimit: 12 });
  expect(config.pool.max).toBe(6);
  const pool = createPool(poolOptions(config, database));
  try {
    const { rows } = await pool.query("SELECT session_user AS login, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    expect(rows).toEqual([{ login: "auth_user", ssl: true }]);
    await expect(checkConnectionBudget(config, pool)).resolves.toEqual({ connectionLimit: 12, needed: 12 });
  } finally {
    await pool.end();
  }
});

test("the URL of that secret works as DATABASE_URL as well", async () => {
  const { database: fromFile } = await load({ DB_SECRET_FILE: secretFile });
  const { config, database } = await load({ DATABASE_URL: fromFile.url, DB_MAX_CONNECTIONS: "2" });
  const pool = createPool(poolOptions(config, database));
  try {
    expect((await pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  } finally {
    await pool.end();
  }
});

test("a pool that would not fit twice under the login's CONNECTION LIMIT is refused by the server's own figure", async () => {
  const { config, database } = await load({ DB_SECRET_FILE: secretFile, DB_MAX_CONNECTIONS: "7" });
  const pool = createPool(poolOptions(config, database));
  try {
    await expect(checkConnectionBudget(config, pool)).rejects.toMatchObject({ code: "CONFIG_POOL_OVER_BUDGET", hint: expect.stringContaining("DB_MAX_CONNECTIONS to 6") as string });
    await expect(checkConnectionBudget({ ...config, pool: { ...config.pool, max: 3, instancesMax: 3 } }, pool)).rejects.toMatchObject({ code: "CONFIG_POOL_OVER_BUDGET" });
  } finally {
    await pool.end();
  }
});

test("after the password was changed and the secret file written anew, the pool goes on without a restart", async () => {
  const { config, database } = await load({ DB_SECRET_FILE: secretFile }, { clock: hurriedClock() });
  const pool = createPool(poolOptions(config, database));
  try {
    await pool.query("SELECT 1");
    // As a rotation does it: a new password on the server and in the file, and the old sessions ended.
    await runAsAdmin(server, "postgres", "ALTER ROLE auth_user PASSWORD 'rotated-in-test'");
    const { readFileSync } = await import("node:fs");
    const secret = JSON.parse(readFileSync(secretFile, "utf8")) as object;
    writeFileSync(secretFile, JSON.stringify({ ...secret, password: "rotated-in-test" }), { mode: 0o600 });
    await Promise.all(Array.from({ length: 4 }, () => pool.query("SELECT pg_sleep(0.05)")));
    expect(pool.totalCount).toBeGreaterThan(1);
  } finally {
    await pool.end();
  }
});

/** Node's timers, and a time that passes two seconds with each look, so that a secret counts as old enough to be read again. */
function hurriedClock() {
  let looks = 0;
  return { nowMs: () => performance.now() + (looks += 1) * 2_000, schedule: (delayMs: number, run: () => void) => { const timer = setTimeout(run, delayMs); return () => clearTimeout(timer); }, afterIo: (run: () => void) => void setImmediate(run) };
}

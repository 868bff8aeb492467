import { createPool } from "../../manager/src/pool";
import type { PoolOptions } from "../../manager/src/pool";
import { startTestServer } from "./server";
import type { TestServer } from "./server";

/** Database and role. */
const NAME = "pool_test";
const PASSWORD = "a password of tests";

/** A server with a database that the tests of the pool may fill, and a role that owns it and has no connection limit. */
export async function startPoolServer(maxConnections = 60): Promise<TestServer> {
  const server = await startTestServer({ maxConnections });
  const { username, dbname } = server.adminSecret;
  const pool = createPool({ ...adminConfig(server), database: dbname, max: 1 });
  await pool.query(`CREATE ROLE ${NAME} LOGIN PASSWORD '${PASSWORD}'`);
  await pool.query(`GRANT ${NAME} TO ${username}`);
  await pool.query(`CREATE DATABASE ${NAME} TEMPLATE template0 OWNER ${NAME}`);
  await pool.end();
  return server;
}

/** How a pool of a test logs in, directly or through a proxy on another port. */
export function poolConfig({ host, port, ca }: TestServer, through?: { readonly port: number }): PoolOptions {
  return { host, port: through?.port ?? port, ssl: { ca }, user: NAME, password: PASSWORD, database: NAME };
}

/** The same as the server's admin, who may change roles. */
export function adminConfig(server: TestServer): PoolOptions {
  const { username, password } = server.adminSecret;
  return { ...poolConfig(server), user: username, password };
}

/** Resolves once `condition` holds; it is looked at every few milliseconds. Rejects after `limitMs`. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

import { spawn } from "node:child_process";
import { chmodSync, chownSync, closeSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createPool } from "../../manager/src/pool";
import type { PgBouncerProgram } from "./obtain-pgbouncer";
import { poolConfig, until } from "./pool";
import type { TestServer } from "./server";
import { freePort } from "./free-port";

/** A PgBouncer in front of a test's server. */
export interface PgBouncer {
  readonly port: number;
  readonly pid: number;
  /** What it has written so far. */
  log(): string;
  /** Runs a command of its console, e.g. `SHOW POOLS`. */
  console(command: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

/** The console's user. */
const ADMIN = "console";

/**
 * Starts PgBouncer as it is run in earnest: SCRAM and TLS on both sides, not as root.
 *
 * @param settings lines of pgbouncer.ini in addition; later ones win
 */
export async function startPgBouncer({ program, libraries }: Exclude<PgBouncerProgram, { missing: string }>, server: TestServer, settings: readonly string[] = []): Promise<PgBouncer> {
  const root = mkdtempSync(join(tmpdir(), "bulkhead-pgbouncer-"));
  chmodSync(root, 0o755);
  const port = await freePort();
  const { uid, gid } = statSync(join(server.directory, "data"));
  const owner = process.getuid?.() === 0 ? { uid, gid } : undefined;
  const folder = join(root, "run");
  mkdirSync(folder, { mode: 0o700 });
  const inside = (name: string): string => join(folder, name);
  const { user, password } = poolConfig(server) as { user: string; password: string };
  for (const name of ["ca.crt", "server.crt", "server.key"]) copyFileSync(join(server.directory, "tls", name), inside(name));
  // The password in plain text: with a SCRAM secret alone, PgBouncer could log in to the server only where that has the very same one.
  writeFileSync(inside("users.txt"), [user, ADMIN].map((name) => `"${name}" "${password}"\n`).join(""));
  writeFileSync(inside("pgbouncer.ini"), [
    "[databases]", `* = host=localhost port=${server.port}`,
    "[pgbouncer]", "listen_addr = 127.0.0.1", `listen_port = ${port}`, "unix_socket_dir =", "auth_type = scram-sha-256", `auth_file = ${inside("users.txt")}`, `admin_users = ${ADMIN}`,
    "client_tls_sslmode = require", `client_tls_cert_file = ${inside("server.crt")}`, `client_tls_key_file = ${inside("server.key")}`,
    "server_tls_sslmode = verify-full", `server_tls_ca_file = ${inside("ca.crt")}`,
    "pool_mode = transaction", "default_pool_size = 4", "server_login_retry = 1", ...settings, "",
  ].join("\n"));
  // The cache lies in a home folder, where another user does not get in.
  const copied = join(root, basename(program));
  copyFileSync(program, copied);
  chmodSync(copied, 0o755);
  const libraryFolder = join(root, "lib");
  for (const library of libraries) cpSync(library, libraryFolder, { recursive: true, verbatimSymlinks: true });
  if (owner !== undefined) for (const path of [folder, ...["ca.crt", "server.crt", "server.key", "users.txt", "pgbouncer.ini"].map(inside)]) chownSync(path, owner.uid, owner.gid);
  const log = openSync(join(root, "log"), "a");
  const child = spawn(copied, [inside("pgbouncer.ini")], { cwd: "/", env: { PATH: "/usr/bin:/bin", LD_LIBRARY_PATH: libraryFolder }, stdio: ["ignore", log, log], ...owner });
  closeSync(log);
  let over = false;
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  }).then(() => void (over = true));
  const killOnExit = (): void => void child.kill("SIGKILL");
  process.once("exit", killOnExit);
  const readLog = (): string => (existsSync(join(root, "log")) ? readFileSync(join(root, "log"), "utf8") : "");
  const bouncer: PgBouncer = {
    port,
    pid: child.pid ?? 0,
    log: readLog,
    async console(command) {
      const pool = createPool({ ...poolConfig(server, { port }), user: ADMIN, database: "pgbouncer", max: 1 });
      try {
        return (await pool.query<Record<string, unknown>>(command)).rows;
      } finally {
        await pool.close();
      }
    },
    async stop() {
      child.kill("SIGKILL");
      await ended;
      process.removeListener("exit", killOnExit);
      rmSync(root, { recursive: true, force: true });
    },
  };
  try {
    await until(() => {
      if (over) throw new Error(`PgBouncer did not start:\n${readLog()}`);
      return readLog().includes("process up");
    }, "PgBouncer listens", 10_000);
  } catch (error) {
    await bouncer.stop();
    throw error;
  }
  return bouncer;
}

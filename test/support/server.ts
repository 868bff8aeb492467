import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AdminSecret } from "../../components/local/server/admin-secret";
import { destroyServer, ensureServer } from "../../components/local/server/server";
import { freePort } from "./free-port";

/** A Postgres server of one test file. */
export interface TestServer {
  /** The stack directory, with `secrets`, `tls` and `data`. */
  readonly directory: string;
  readonly host: "localhost";
  readonly port: number;
  /** PEM text of its authority. */
  readonly ca: string;
  /** How to log in as `bulkhead_admin`. */
  readonly adminSecret: AdminSecret;
  readonly systemIdentifier: string;
  /** Stops the server and removes all that was made. */
  stop(): Promise<void>;
}

/**
 * Starts a server of the local target for one test file, in a folder and on a port of its own, with durability off; about 0.8 s.
 * Call `stop()` in `afterAll`; a test process that ends without it stops the server on its way out.
 */
export async function startTestServer({ maxConnections = 60, name = "test" }: { maxConnections?: number; name?: string } = {}): Promise<TestServer> {
  const root = mkdtempSync(join(tmpdir(), "bulkhead-test-"));
  // As root, Postgres runs as another user, who has to get in.
  chmodSync(root, 0o755);
  const directory = join(root, ".bulkhead", name);
  const server = await ensureServer({ directory, stack: name, maxConnections, durability: "off", preferredPort: await freePort(), progress: () => undefined }).catch((error: unknown) => {
    rmSync(root, { recursive: true, force: true });
    throw error;
  });
  const killOnExit = () => {
    try {
      process.kill(server.pid, "SIGQUIT");
    } catch {
      // It is stopped already.
    }
  };
  process.once("exit", killOnExit);
  return {
    directory,
    host: server.host,
    port: server.port,
    ca: readFileSync(server.caPath, "utf8"),
    adminSecret: JSON.parse(readFileSync(join(directory, "secrets", "admin.json"), "utf8")) as AdminSecret,
    systemIdentifier: server.systemIdentifier,
    async stop() {
      await destroyServer({ directory, progress: () => undefined });
      process.removeListener("exit", killOnExit);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { AdminSecret } from "../../components/local/server/admin-secret";
import { destroyServer, ensureServer, stopServer } from "../../components/local/server/server";
import { clientConfig, openSession } from "../../manager/src/postgres/connect";
import type { ProvisionOptions } from "../../manager/src/provision/options";
import { fileSecretStore } from "../../manager/src/secrets/file-store";

/** A server of the local target as `up` starts it: durability, TLS and SCRAM on. */
export interface DurableServer {
  readonly options: ProvisionOptions;
  readonly pid: number;
  readonly version: string;
  /** Stops the server. */
  stop(): Promise<void>;
  /**
   * Removes the stopped server's data. Best after the last measurement: ext4 does not reuse the inodes of files deleted within the last
   * minutes, and looking for others makes every new file, of which CREATE DATABASE has 300, several times as dear.
   */
  remove(): Promise<void>;
}

export async function startDurableServer({ maxConnections = 100 }: { maxConnections?: number } = {}): Promise<DurableServer> {
  const root = mkdtempSync(join(tmpdir(), "bulkhead-bench-"));
  // As root, Postgres runs as another user, who has to get in.
  chmodSync(root, 0o755);
  const directory = join(root, ".bulkhead", "bench");
  const server = await ensureServer({ directory, stack: "bench", maxConnections, preferredPort: 15_432, progress: () => undefined });
  const { host, port, caPath } = server;
  const ca = readFileSync(caPath, "utf8");
  const admin = JSON.parse(readFileSync(join(directory, "secrets", "admin.json"), "utf8")) as AdminSecret;
  return {
    options: { openSession: (database) => openSession(clientConfig({ ...admin, dbname: database }, "bulkhead bench")), secrets: fileSecretStore(join(directory, "secrets")), endpoint: { host, port, ca, caPath } },
    pid: server.pid,
    version: server.version,
    async stop() {
      await stopServer({ directory, progress: () => undefined });
    },
    async remove() {
      await destroyServer({ directory, progress: () => undefined });
      rmSync(root, { recursive: true, force: true });
    },
  };
}

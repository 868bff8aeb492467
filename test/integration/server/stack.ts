import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import type { AdminSecret } from "../../../components/local/server/admin-secret";
import type { EnsureServerOptions, RunningServer } from "../../../components/local/server/server";
import { destroyServer, ensureServer } from "../../../components/local/server/server";
import { freePort } from "../../support/free-port";

/** A stack directory to be rough with. */
export interface Stack {
  /** The folder that plays the checkout. */
  readonly checkout: string;
  readonly directory: string;
  readonly data: string;
  readonly options: Omit<EnsureServerOptions, "progress" | "signal">;
  /** What the last `ensure` reported. */
  readonly progress: string[];
  ensure(overrides?: Partial<EnsureServerOptions>): Promise<RunningServer>;
  /** One value, asked as the admin of the secret file. */
  ask(sql: string): Promise<unknown>;
  secret(): AdminSecret;
  remove(): Promise<void>;
}

/** Makes an empty stack directory in a checkout of its own; `subfolder` is put between the two, for odd paths. */
export async function makeStack({ mode = 0o755, subfolder = "." }: { mode?: number; subfolder?: string } = {}): Promise<Stack> {
  const root = mkdtempSync(join(tmpdir(), "bulkhead-stack-"));
  chmodSync(root, mode);
  const checkout = join(root, subfolder);
  const directory = join(checkout, ".bulkhead", "dev");
  const options = { directory, stack: "dev", maxConnections: 40, durability: "off" as const, preferredPort: await freePort() };
  const progress: string[] = [];
  const secret = () => JSON.parse(readFileSync(join(directory, "secrets", "admin.json"), "utf8")) as AdminSecret;
  return {
    checkout,
    directory,
    data: join(directory, "data"),
    options,
    progress,
    ensure: (overrides = {}) => {
      progress.length = 0;
      return ensureServer({ ...options, progress: (line) => progress.push(line), ...overrides });
    },
    secret,
    ask: async (sql) => {
      const { host, port, username: user, password, dbname: database, ca } = secret();
      const client = new Client({ host, port, user, password, database, ssl: { ca } });
      try {
        await client.connect();
        const { rows } = await client.query<Record<string, unknown>>(sql);
        return Object.values(rows[0] ?? {})[0];
      } finally {
        await client.end();
      }
    },
    remove: async () => {
      await destroyServer({ directory, progress: () => undefined });
      rmSync(root, { recursive: true, force: true });
    },
  };
}

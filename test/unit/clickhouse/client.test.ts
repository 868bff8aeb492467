import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { clickHouseHealth, createClickHouse } from "../../../manager/src/clickhouse";
import { clickHouseSecret } from "../../../manager/src/clickhouse/secret";

const SECRET = clickHouseSecret({ host: "localhost", port: 8443, ca: "PEM" }, "backend", "the-password");
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bulkhead-clickhouse-client-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Stands for the package: keeps what it was given. */
function fakeSdk() {
  const configs: Record<string, unknown>[] = [];
  const loadModule = (name: string): Promise<unknown> => {
    expect(name).toBe("@clickhouse/client");
    return Promise.resolve({ createClient: (config: Record<string, unknown>) => configs.push(config), ClickHouseLogLevel: { OFF: 127 } });
  };
  return { configs, loadModule };
}

it("a client is bounded in time and connections, verifies the server by the secret's authority, and has no password in its address", async () => {
  const { configs, loadModule } = fakeSdk();
  await createClickHouse(SECRET, { loadModule });
  expect(configs).toEqual([
    {
      url: "https://localhost:8443",
      username: "backend",
      password: "the-password",
      database: "backend",
      tls: { ca_cert: Buffer.from("PEM") },
      request_timeout: 30_000,
      max_open_connections: 10,
      keep_alive: { enabled: true, idle_socket_ttl: 2_500 },
      log: { level: 127 },
    },
  ]);
});

it("a secret can be a file", async () => {
  const { configs, loadModule } = fakeSdk();
  const secretFile = join(folder, "clickhouse.json");
  writeFileSync(secretFile, JSON.stringify(SECRET));
  await createClickHouse({ secretFile }, { loadModule, requestTimeoutMs: 1_000, maxOpenConnections: 2, application: "backend" });
  expect(configs).toEqual([expect.objectContaining({ username: "backend", request_timeout: 1_000, max_open_connections: 2, application: "backend" })]);
});

it.each([
  ["is not there", undefined],
  ["is half-written", '{"host":'],
  ["lacks its authority", JSON.stringify({ ...SECRET, ca: "" })],
  ["is larger than any secret", `${JSON.stringify(SECRET)}${" ".repeat(70_000)}`],
])("a secret file that %s is an error that names the file and no secret", async (_why, text) => {
  const secretFile = join(folder, "clickhouse.json");
  if (text !== undefined) writeFileSync(secretFile, text);
  const failure = createClickHouse({ secretFile }, { loadModule: fakeSdk().loadModule });
  await expect(failure).rejects.toMatchObject({ code: "CLICKHOUSE_SECRET", message: expect.stringContaining(secretFile) as string });
  await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining("the-password") as string });
});

it("without the package the error says what to install", async () => {
  const loadModule = () => Promise.reject(new Error("Cannot find module '@clickhouse/client'"));
  await expect(createClickHouse(SECRET, { loadModule })).rejects.toMatchObject({ code: "CLICKHOUSE_SDK_MISSING", hint: "npm install @clickhouse/client" });
});

it("a server that never answers is unhealthy after the deadline, and the attempt is called off", async () => {
  let seen: AbortSignal | undefined;
  const client = {
    ping: ({ abort_signal }: { abort_signal?: AbortSignal }): Promise<never> => {
      seen = abort_signal;
      return new Promise(() => undefined);
    },
    close: () => Promise.resolve(),
  };
  expect(await clickHouseHealth(client, { timeoutMs: 20 })).toMatchObject({ healthy: false, error: { class: "timeout", kind: "probe-deadline" } });
  expect(seen?.aborted).toBe(true);
});

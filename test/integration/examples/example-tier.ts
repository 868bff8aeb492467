import { resolve } from "node:path";
import { ensureServer, stopServer } from "../../../components/local/server/server";
import type { RunningService, ServiceOptions } from "../../../examples/run-service";
import { IsolatedEnvironment, defineServices, migrate, provision } from "../../../manager/src";
import { clientConfig } from "../../../manager/src/postgres/connect";
import { startTestServer } from "../../support/server";
import type { TestServer } from "../../support/server";
import { provisionOptions, runAsAdmin, testPlan } from "../../support/tier";

const ROOT = resolve(__dirname, "../../..");
const MAX_CONNECTIONS = 60;
const STACK = "examples";

/** A tier with one service, as `npm run up` makes it. */
export interface ExampleTier {
  readonly server: TestServer;
  readonly service: string;
  /** Starts the service, as a process of its own would be started. Stopped with the tier at the latest. */
  start(startService: (options: ServiceOptions) => Promise<RunningService>): Promise<Client>;
  /** What the service said. */
  readonly log: readonly string[];
  /** Rows of the service's database, past the service. */
  rows(sql: string): Promise<Record<string, unknown>[]>;
  stopPostgres(): Promise<void>;
  startPostgres(): Promise<void>;
  stop(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly text: string;
  readonly headers: Headers;
}

/** Speaks to a service over HTTP. */
export interface Client {
  readonly port: number;
  call(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Answer>;
  close(): Promise<void>;
}

export async function startExampleTier(service: string): Promise<ExampleTier> {
  const server = await startTestServer({ name: STACK, maxConnections: MAX_CONNECTIONS });
  const options = provisionOptions(server);
  const catalog = defineServices({ [service]: { port: 4000, connections: 40 } });
  await provision(testPlan(catalog), options);
  const migrator = await options.secrets.read({ service, login: "migrator" });
  await migrate({ client: clientConfig(migrator!, "test"), service, owner: `${service}_owner`, directory: resolve(ROOT, "schemas", service), readers: [`${service}_app`, `${service}_readonly`] });
  const running: Client[] = [];
  const log: string[] = [];
  return {
    server,
    service,
    log,
    async start(startService) {
      const environment = new IsolatedEnvironment({ service, source: { DB_SECRET_FILE: resolve(server.directory, "secrets", service, "app.json"), HEALTH_TOKEN: "for tests" }, allow: ["DB_SECRET_FILE", "HEALTH_TOKEN"] });
      const client = clientOf(await startService({ environment, port: 0, connectionLimit: 40, log: (line) => void log.push(line) }));
      running.push(client);
      return client;
    },
    rows: (sql) => runAsAdmin(server, `${service}_db`, `SET ROLE ${service}_owner`, sql),
    stopPostgres: async () => void (await stopServer({ directory: server.directory, progress: () => undefined })),
    startPostgres: async () => void (await ensureServer({ directory: server.directory, stack: STACK, maxConnections: MAX_CONNECTIONS, durability: "off", preferredPort: server.port, progress: () => undefined })),
    async stop() {
      await Promise.all(running.map((client) => client.close()));
      await server.stop();
    },
  };
}

function clientOf(service: RunningService): Client {
  const { port } = service;
  let closed: Promise<void> | undefined;
  return {
    port,
    async call(method, path, body, headers = {}) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(60_000),
      });
      const text = await response.text();
      const json = response.headers.get("content-type")?.includes("json") === true && text !== "" ? (JSON.parse(text) as Record<string, unknown>) : {};
      return { status: response.status, body: json, text, headers: response.headers };
    },
    close: () => (closed ??= service.close()),
  };
}

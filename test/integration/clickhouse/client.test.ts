import { writeFileSync } from "node:fs";
import { join } from "node:path";

import type { ClickHouseClient } from "@clickhouse/client";

import { ensureTls } from "../../../components/certificates/tls-files";
import { clickHouseHealth, createClickHouse } from "../../../manager/src/clickhouse";
import { classifyError } from "../../../manager/src/errors";
import type { StoreSecret } from "../../../manager/src/stores/store-secret";
import { obtainClickHouse, startClickHouse } from "../../support/clickhouse-server";
import type { TestClickHouse } from "../../support/clickhouse-server";
import { describeWhere } from "../../support/describe-where";

const program = obtainClickHouse();
/** Jest cannot import() what is CommonJS on demand without a flag. */
const loadModule = (name: string): Promise<unknown> => Promise.resolve(jest.requireActual(name));

describeWhere("missing" in program ? program.missing : undefined, "a service's client, @clickhouse/client, with 18.16, which is older than what that package promises to work with", () => {
  let server: TestClickHouse;
  let secret: StoreSecret;
  let client: ClickHouseClient;

  beforeAll(async () => {
    if ("missing" in program) return;
    server = await startClickHouse(program);
    await server.store(["backend", "other"]).setUp("first", new AbortController().signal);
    secret = await server.secretOf("backend");
    client = await open(secret);
  });
  afterAll(async () => {
    await client?.close();
    await server?.dispose();
  });

  const open = (source: StoreSecret | { secretFile: string }, more = {}): Promise<ClickHouseClient> => createClickHouse<ClickHouseClient>(source, { loadModule, ...more });
  /** What a query that fails is classified as. */
  const verdictOf = async (run: () => Promise<unknown>) => {
    try {
      await run();
    } catch (error) {
      return classifyError(error);
    }
    throw new Error("it did not fail");
  };

  it("makes, fills and reads tables of its own database", async () => {
    await client.command({ query: "CREATE TABLE events (id UInt32, text String) ENGINE = MergeTree() ORDER BY id" });
    await client.insert({ table: "events", values: Array.from({ length: 1_000 }, (_, id) => ({ id, text: `it's ${id}` })), format: "JSONEachRow" });
    const answer = await client.query({ query: "SELECT count() AS rows, max(text) AS last FROM events", format: "JSONEachRow" });
    expect(await answer.json()).toEqual([{ rows: "1000", last: "it's 999" }]);
    await client.command({ query: "DROP TABLE events" });
  });

  it("works by a secret's file, as a container gets it", async () => {
    const secretFile = join(server.folder, "backend.json");
    writeFileSync(secretFile, JSON.stringify(secret));
    const own = await open({ secretFile });
    expect(await clickHouseHealth(own)).toMatchObject({ healthy: true, error: undefined });
    await own.close();
  });

  it("has its errors told apart, though these servers give them no number of their own", async () => {
    expect(await verdictOf(() => client.query({ query: "SELECT * FROM other.events" }))).toMatchObject({ class: "permission", kind: "privilege-missing", retryable: false });
    expect(await verdictOf(() => client.query({ query: "SELECT * FROM missing" }))).toMatchObject({ class: "schema" });
    expect(await verdictOf(() => client.query({ query: "SELEC" }))).toMatchObject({ class: "query" });
    expect(await verdictOf(() => client.query({ query: "SELECT count() FROM system.numbers", clickhouse_settings: { max_execution_time: 1 } }))).toMatchObject({ class: "timeout", kind: "statement-timeout" });
    expect(await verdictOf(() => client.query({ query: "SELECT sleep(3)", abort_signal: AbortSignal.timeout(50) }))).toMatchObject({ class: "cancelled" });
  });

  it("gives up at its deadline", async () => {
    const hasty = await open(secret, { requestTimeoutMs: 100 });
    expect(await verdictOf(() => hasty.query({ query: "SELECT sleep(3)" }))).toMatchObject({ class: "timeout", kind: "query-deadline", retryable: false });
    await hasty.close();
  });

  it.each<[string, () => Promise<StoreSecret>, string]>([
    ["a wrong password", () => Promise.resolve({ ...secret, password: "wrong" }), "permission"],
    ["another authority", async () => ({ ...secret, ca: (await ensureTls({ directory: join(server.folder, "another"), hostNames: ["localhost"], addresses: [], progress: () => {} })).ca }), "configuration"],
    ["an address that the certificate is not for", () => Promise.resolve({ ...secret, host: "127.0.0.2" }), "connection"],
  ])("is unhealthy with %s, and says which kind of trouble it is, without the password", async (_what, spoil, errorClass) => {
    const spoilt = await open(await spoil());
    const health = await clickHouseHealth(spoilt, { timeoutMs: 3_000 });
    expect(health).toMatchObject({ healthy: false, error: { class: errorClass } });
    expect(JSON.stringify(health)).not.toContain(secret.password);
    await spoilt.close();
  });

  it("is unhealthy while the server is down, and well again after", async () => {
    expect((await clickHouseHealth(client)).healthy).toBe(true);
    await server.stop();
    expect(await clickHouseHealth(client)).toMatchObject({ healthy: false, error: { class: "connection", retryable: true } });
    await server.start();
    expect((await clickHouseHealth(client)).healthy).toBe(true);
  });
});

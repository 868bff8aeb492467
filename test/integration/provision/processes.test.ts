import { execFile } from "node:child_process";
import { join } from "node:path";

import type { ServiceDefinition } from "../../../manager/src/catalog/catalog";
import { defineServices } from "../../../manager/src/catalog/define-services";
import type { ProvisionOptions } from "../../../manager/src/provision/options";
import { provision } from "../../../manager/src/provision/provision";
import type { ProvisionProcessInput } from "../../support/provision-process";
import { startTestServer } from "../../support/server";
import type { TestServer } from "../../support/server";
import { provisionOptions, runAsLogin, testPlan } from "../../support/tier";

const SCRIPT = join(__dirname, "../../support/provision-process.ts");
const PROCESS_TIMEOUT_MS = 100_000;

interface Ended {
  readonly signal: string | null;
  readonly stderr: string;
  /** What it printed; undefined when it did not come that far. */
  readonly report: { readonly changes: number; readonly credentials: number; readonly queries: number } | undefined;
}

function run(input: ProvisionProcessInput): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["-r", "tsx/cjs", SCRIPT, JSON.stringify(input)], { timeout: PROCESS_TIMEOUT_MS }, (error, stdout, stderr) => {
      resolve({ signal: (error?.signal as string | undefined) ?? null, stderr, report: stdout === "" ? undefined : (JSON.parse(stdout) as Ended["report"]) });
    });
  });
}

describe("provisioners in processes of their own", () => {
  let server: TestServer;
  let options: ProvisionOptions;
  let facts: Omit<TestServer, "stop">;
  beforeAll(async () => {
    server = await startTestServer();
    options = provisionOptions(server);
    const { directory, host, port, ca, adminSecret, systemIdentifier } = server;
    facts = { directory, host, port, ca, adminSecret, systemIdentifier };
  });
  afterAll(() => server.stop());

  const expectWhole = async (services: Readonly<Record<string, ServiceDefinition>>): Promise<void> => {
    const { changes, credentials, manual } = await provision(testPlan(defineServices(services)), options);
    expect({ changes, credentials, manual }).toEqual({ changes: [], credentials: [], manual: [] });
    for (const service of Object.keys(services)) expect(await runAsLogin(options, { service, login: "migrator" }, "SELECT current_user AS role")).toEqual([{ role: `${service}_owner` }]);
  };

  test.each([2, 8])("%i at once make every thing once, and all end well", async (count) => {
    const services = Object.fromEntries(["a", "b", "c", "d"].map((letter, index) => [`race${count}${letter}`, { port: index + 1 }]));
    const ended = await Promise.all(Array.from({ length: count }, () => run({ server: facts, services })));
    expect(ended.map(({ signal, stderr }) => ({ signal, stderr }))).toEqual(Array.from({ length: count }, () => ({ signal: null, stderr: "" })));
    expect(ended.filter(({ report }) => report!.changes > 0)).toHaveLength(1);
    expect(ended.filter(({ report }) => report!.credentials > 0)).toHaveLength(1);
    await expectWhole(services);
  });

  test("eight at once in one process wait for each other's connections", async () => {
    const services = Object.fromEntries(["a", "b", "c", "d", "e", "f", "g", "h"].map((letter, index) => [`inner${letter}`, { port: index + 1 }]));
    const plan = testPlan(defineServices(services));
    const reports = await Promise.all(Object.keys(services).flatMap((service) => [provision(plan, { ...options, services: [service] }), provision(plan, { ...options, services: [service] })]));
    expect(reports.filter(({ changes }) => changes.length > 0)).toHaveLength(8);
    await expectWhole(services);
  });

  test("what a killed one's session still makes in the server does not stop the next run", async () => {
    const services = { ghost: { port: 1 } };
    const openSession: ProvisionOptions["openSession"] = async (database) => {
      const session = await options.openSession(database);
      const query = session.query.bind(session) as (...args: unknown[]) => Promise<unknown>;
      // As if a session without a client were a moment ahead.
      const haunted = async (...args: unknown[]): Promise<unknown> => {
        if (String(args[0]).startsWith("CREATE DATABASE")) await query(...args);
        return query(...args);
      };
      return Object.assign(session, { query: haunted });
    };
    await provision(testPlan(defineServices(services)), { ...options, openSession });
    await expectWhole(services);
  });

  test("one that is killed at any point leaves nothing that the next run does not mend", async () => {
    const catalogOf = (name: string) => Object.fromEntries(["a", "b", "c"].map((letter, index) => [`${name}${letter}`, { port: index + 1 }]));
    const whole = await run({ server: facts, services: catalogOf("whole") });
    const queries = whole.report!.queries;
    expect(queries).toBeGreaterThan(12);
    // Every other query, two processes at a time: they wait for each other's locks, as two operators would.
    const points = Array.from({ length: Math.floor(queries / 2) }, (_, index) => 1 + 2 * index);
    for (let i = 0; i < points.length; i += 2) {
      const pair = points.slice(i, i + 2);
      const ended = await Promise.all(pair.map((point) => run({ server: facts, services: catalogOf(`k${point}`), killAfterQueries: point })));
      expect(ended.map(({ signal }) => signal)).toEqual(pair.map(() => "SIGKILL"));
    }
    const all = Object.assign({}, ...points.map((point) => catalogOf(`k${point}`))) as Record<string, ServiceDefinition>;
    const services = Object.fromEntries(Object.keys(all).map((name, index) => [name, { port: index + 1 }]));
    await provision(testPlan(defineServices(services), 10_000), options);
    const again = await provision(testPlan(defineServices(services), 10_000), options);
    expect({ changes: again.changes, credentials: again.credentials, manual: again.manual }).toEqual({ changes: [], credentials: [], manual: [] });
  });
});

import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

import { processesIn } from "../support/checkout";
import { GcpCheckout, SMALL_SERVICES, SMALL_SETTINGS } from "../support/gcp-checkout";

// Whatever stops an `up` of a gcp stack: the next one goes on from there, and makes nothing twice. A small stack, on the direct transport:
// the Postgres of the simulated cloud is within reach of this machine, as over a VPN. What Google leaves behind when one of its own operations
// breaks off half-way is not known here; the provider's process dies before or after the whole of it.

const API = "gcp:projects/service:Service";
const MIGRATION = "schemas/auth/002_breaks.sql";
let gcp: GcpCheckout;

beforeAll(async () => {
  gcp = await GcpCheckout.create({ services: SMALL_SERVICES, settings: SMALL_SETTINGS });
  // Anything behind the same route will do for a probe.
  gcp.configure({ "bulkhead:reach": { transport: "direct", probe: new URL(gcp.api.url).host } });
});

afterAll(() => gcp.remove());

describe("the first up", () => {
  const created: string[] = [];
  const collect = (): string[] => {
    const done = gcp.newOperations();
    created.push(...done.filter((operation) => operation.startsWith("create ")));
    return done;
  };

  test("begins with nothing before its API is enabled, however late that is, and ends when the cloud refuses a resource, with the cloud's words", async () => {
    const late = gcp.cloud.inject({ on: "create", type: API, name: "apis-compute", effect: "wait" });
    gcp.cloud.inject({ on: "create", type: "gcp:compute/subnetwork:Subnetwork", effect: "fail", message: "googleapi: Error 429: Quota exceeded for quota metric 'Mutate requests', rateLimitExceeded" });
    const up = gcp.start(["up"]);
    await late.reached();
    // What did not wait would have its turn while the others are made, and the cloud would refuse it: 403, has not been used.
    while (gcp.cloud.resources(API).length < 10) await sleep(20);
    expect(gcp.cloud.operations().filter(({ type }) => type !== API)).toEqual([]);
    late.release();
    const { exitCode, stderr } = await up.done;
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(/Quota exceeded[\s\S]*run the same command again/) as string });
    expect(stderr).not.toContain("403");
    collect();
  });

  test("ends when the provider dies", async () => {
    gcp.cloud.inject({ on: "create", type: "gcp:secretmanager/secret:Secret", name: "secrets-auth-migrator", effect: "crash" });
    const { exitCode, stderr } = await gcp.bulkhead(["up"]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 1 });
    collect();
  });

  test("ends when a migration is broken: then the service is not started, and one that needs no database is", async () => {
    gcp.checkout.write(MIGRATION, "CREATE TABLE half_done (id bigint);\nSELECT no_such_function();\n");
    gcp.checkout.write(MIGRATION.replace(".sql", ".rollback.sql"), "DROP TABLE half_done;\n");
    const { exitCode, stderr } = await gcp.bulkhead(["up"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(/setting up the compartment of auth failed[\s\S]*no_such_function/) as string });
    const done = collect();
    expect(done).not.toContain("create Service services-auth");
    expect(await gcp.asSuperuser("auth_db", "SELECT to_regclass('public.half_done') IS NULL AS undone")).toEqual([{ undone: true }]);
  });

  test("is finished by the next one, and nothing was made twice", async () => {
    gcp.checkout.write(MIGRATION, "CREATE TABLE whole (id bigint PRIMARY KEY);\n");
    gcp.checkout.write(MIGRATION.replace(".sql", ".rollback.sql"), "DROP TABLE whole;\n");
    expect(await gcp.up()).toMatchObject({ ok: true, services: [{ name: "auth", ready: true, schemaVersion: 2 }] });
    collect();
    expect(created.filter((operation, index) => created.indexOf(operation) !== index)).toEqual([]);
    expect(created).toContain("create Service services-auth");
    expect(Object.keys((await gcp.up()).changes)).toEqual(["same"]);
  });
});

describe("two at once", () => {
  test("one up waits for the other, and finds nothing left to do; Pulumi's own CLI is refused meanwhile", async () => {
    gcp.configure({ "bulkhead:secrets": { ...gcp.setting("bulkhead:secrets"), rotationPeriodDays: 60 } });
    const held = gcp.cloud.inject({ on: "update", type: "gcp:secretmanager/secret:Secret", effect: "wait" });
    const first = gcp.start(["up", "--output", "json"]);
    await held.reached();
    const second = gcp.start(["up", "--output", "json"]);
    await second.until(/another bulkhead up of stack prod|is under way|waiting/i);
    const foreign = await gcp.pulumi(["up", "--yes", "--skip-preview", "--non-interactive"]);
    expect(foreign.exitCode).not.toBe(0);
    expect(foreign.stdout + foreign.stderr).toMatch(/currently locked by 1 lock/);
    held.release();
    const [one, two] = [await first.done, await second.done];
    expect({ exitCode: one.exitCode, stderr: one.stderr }).toMatchObject({ exitCode: 0 });
    expect({ exitCode: two.exitCode, stderr: two.stderr }).toMatchObject({ exitCode: 0 });
    expect(Object.keys((JSON.parse(two.stdout) as { changes: object }).changes)).toEqual(["same"]);
  });
});

test("a secret whose latest version was disabled stops an up before anything is changed, and its own line lets it go on", async () => {
  gcp.newOperations();
  gcp.configure({ "bulkhead:secrets": { ...gcp.setting("bulkhead:secrets"), rotationPeriodDays: 30 } });
  for (const id of ["bulkhead-prod-admin", "bulkhead-prod-auth-app"]) {
    const number = gcp.api.secrets.read(id).length;
    gcp.api.secrets.setState(id, number, "DISABLED");
    const { exitCode, stderr } = await gcp.bulkhead(["up"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining("SECRET_DISABLED") as string });
    expect(stderr).toContain(`gcloud secrets versions enable projects/example-project/secrets/${id}/versions/${number}`);
    expect(gcp.newOperations()).toEqual([]);
    gcp.api.secrets.setState(id, number, "ENABLED");
  }
  expect(await gcp.up()).toMatchObject({ ok: true });
});

test("an end, by force, of the whole command leaves a stack that the next up takes up, and no process", async () => {
  gcp.configure({ "bulkhead:secrets": { ...gcp.setting("bulkhead:secrets"), rotationPeriodDays: 45 } });
  const held = gcp.cloud.inject({ on: "update", type: "gcp:secretmanager/secret:Secret", effect: "wait" });
  const up = gcp.start(["up"]);
  await held.reached();
  process.kill(-up.pid, "SIGKILL");
  expect((await up.done).exitCode).toBeNull();
  // The engine's lock lies in the state backend, which may be anybody's: Pulumi says whose it is, and how to take it away.
  const refused = await gcp.bulkhead(["up"]);
  expect({ exitCode: refused.exitCode, stderr: refused.stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(/locked by 1 lock[\s\S]*pulumi cancel/) as string });
  expect((await gcp.checkout.pulumi(["cancel", "--yes", "--stack", "prod"], { env: gcp.environment }).done)).toMatchObject({ exitCode: 0 });
  expect(await gcp.up()).toMatchObject({ ok: true });
  // A process of the killed command finds its engine gone, and ends, a moment later.
  const deadline = performance.now() + 10_000;
  const left = (): string[] => processesIn(gcp.checkout.root).map((pid) => execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" }));
  while (left().length > 0 && performance.now() < deadline) await sleep(50);
  expect(left()).toEqual([]);
});

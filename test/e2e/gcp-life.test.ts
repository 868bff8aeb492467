import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

import { STORE_RULES } from "../../manager/src/validate/rules";
import { Checkout, processesIn } from "../support/checkout";
import type { UpJson } from "../support/checkout";
import { GcpCheckout } from "../support/gcp-checkout";

// The life of the production stack, from the first preview to its end, with Pulumi.prod.yaml and the catalog as they ship: the real engine, the
// product's own command line, its setup job as a process of its own, a real Postgres. The cloud is simulated: it checks every input against
// the real provider's schema and does as the provider does, so names, types, order, diffs and the state are proven. Not proven is what only
// Google decides: quotas, names that others have, whether a machine type is to be had today, and that packets go where the rules let them.

const SERVICES = ["auth", "l2p", "payment", "videovault", "exploits", "apihub", "accounts", "backend"];
const RUNNING = ["accounts", "backend", "frontend"];
let gcp: GcpCheckout;
/** Everything that any command wrote. */
const written: string[] = [];

interface Report {
  readonly ok: boolean;
  readonly checks: readonly { readonly id: string; readonly service: string; readonly status: string; readonly detail: string; readonly heal?: string }[];
}

async function run(...args: string[]): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const result = await gcp.bulkhead(args);
  written.push(result.stdout, result.stderr);
  return result;
}

async function up(): Promise<UpJson> {
  const { exitCode, stdout, stderr } = await run("up", "--output", "json");
  if (exitCode !== 0) throw new Error(`up ended with ${exitCode}:\n${stderr}\n${stdout}`);
  return JSON.parse(stdout) as UpJson;
}

async function validate(): Promise<Report> {
  return JSON.parse((await run("validate", "--output", "json")).stdout) as Report;
}

beforeAll(async () => {
  gcp = await GcpCheckout.create();
});

afterAll(() => gcp.remove());

test("a preview knows what would be made, and neither makes nor changes anything", async () => {
  const { exitCode, stdout, stderr } = await run("preview");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.not.stringMatching(/error/i) as string });
  expect(stdout).toMatch(/^Stack prod, resources: \d{3} create\n/);
  for (const service of SERVICES) expect(stdout).toContain(`+ database ${service}_db with roles`);
  expect(gcp.newOperations()).toEqual([]);
  // It looks, and asks what it may do; the one is a GET, the other changes nothing either.
  expect(gcp.api.calls.filter((call) => !call.startsWith("GET ") && !call.endsWith(":testIamPermissions"))).toEqual([]);
});

test("up makes all of it, in an order in which each API is enabled before it is used", async () => {
  const result = await up();
  expect(result).toMatchObject({ version: 1, stack: "prod", target: "gcp", ok: true, changes: { create: expect.any(Number) as number } });
  expect(Object.keys(result.changes)).toEqual(["create"]);
  expect(result.services).toEqual(SERVICES.map((name) => ({ name, database: `${name}_db`, ready: true, degraded: [], schemaVersion: 1, ms: expect.any(Number) as number })));
  const done = gcp.newOperations();
  expect(done.every((operation) => operation.startsWith("create "))).toBe(true);
  const at = (operation: string): number => done.indexOf(`create ${operation}`);
  for (const [earlier, later] of [
    ["Network network", "Connection private-services"],
    ["Connection private-services", "DatabaseInstance sql"],
    ["Connection private-services", "Instance redis-backend"],
    ["DatabaseInstance sql", "Service services-backend"],
    ["Secret secrets-backend-app", "Service services-backend"],
    ["Service services-frontend", "URLMap edge"],
  ] as const) {
    expect({ earlier: at(earlier) >= 0, later, inOrder: at(earlier) < at(later) }).toEqual({ earlier: true, later, inOrder: true });
  }
});

test("a second up and a preview change nothing", async () => {
  const { changes } = await up();
  expect(Object.keys(changes)).toEqual(["same"]);
  expect(gcp.newOperations()).toEqual([]);
  const { exitCode, stdout } = await gcp.pulumi(["preview", "--non-interactive", "--expect-no-changes"]);
  written.push(stdout);
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
});

test("it proves the same about every service as the laptop's target does", async () => {
  const local = await Checkout.create();
  try {
    await local.up();
    const expected = await local.json<Report>("validate");
    const report = await validate();
    // Redis and ClickHouse of a cloud cannot be reached from where the checks run; every other rule is tried in both.
    const isOfStore = (id: string): boolean => Object.hasOwn(STORE_RULES, id);
    expect(report.checks.filter(({ id }) => isOfStore(id)).map(({ service, status }) => `${service} ${status}`)).toEqual(Object.keys(STORE_RULES).map(() => "backend skipped"));
    const statuses = ({ checks }: Report): string[] => checks.filter(({ id }) => !isOfStore(id)).map(({ id, service, status }) => `${service} ${id} ${status}`);
    // The one difference that must be: each target has a database of its own beside the services', which must be closed to them as well.
    const withoutOwn = (whole: Report, database: string): Report => ({ ...whole, checks: whole.checks.filter(({ id, detail }) => !(id === "no-foreign-database" && detail.includes(database))) });
    expect(statuses(withoutOwn(report, "cloudsqladmin"))).toEqual(statuses(withoutOwn(expected, "bulkhead_template")));
    expect(statuses(withoutOwn(expected, "bulkhead_template"))).toHaveLength(expected.checks.filter(({ id }) => !isOfStore(id)).length - SERVICES.length);
    expect(report.checks.filter(({ status }) => status === "failed")).toEqual([]);
  } finally {
    local.remove();
  }
});

test("a login that is a member of cloudsqlsuperuser, as one that was made by Google's API would be, fails validation", async () => {
  await gcp.asSuperuser("postgres", "GRANT cloudsqlsuperuser TO auth_user");
  const report = await validate();
  // Granted by Google's own superuser, so that one alone takes it back.
  await gcp.asSuperuser("postgres", "REVOKE cloudsqlsuperuser FROM auth_user");
  expect(report.ok).toBe(false);
  expect(report.checks.filter(({ id, service, status }) => id === "role-membership" && service === "auth" && status === "failed")).toEqual([
    expect.objectContaining({ detail: expect.stringContaining("cloudsqlsuperuser") as string, heal: expect.stringMatching(/REVOKE "cloudsqlsuperuser" FROM "auth_user"/) as string }),
  ]);
});

test("drift is seen by a refresh, and the next up mends it in the cloud and in the database alike", async () => {
  gcp.cloud.edit("gcp:compute/firewall:Firewall", "firewall-deny-in", (rule) => {
    rule.inputs = { ...rule.inputs, disabled: true };
    rule.outputs = { ...rule.outputs, disabled: true };
  });
  gcp.cloud.remove("gcp:pubsub/topic:Topic", "secrets-rotation");
  const refresh = await gcp.pulumi(["refresh", "--yes", "--skip-preview", "--non-interactive"]);
  written.push(refresh.stdout, refresh.stderr);
  expect({ exitCode: refresh.exitCode, stdout: refresh.stdout }).toMatchObject({ exitCode: 0 });
  expect(await up()).toMatchObject({ ok: true });
  const done = gcp.newOperations().filter((operation) => !operation.startsWith("read "));
  expect(done).toEqual(expect.arrayContaining(["update Firewall firewall-deny-in", "create Topic secrets-rotation"]));
  expect(gcp.cloud.resource("gcp:compute/firewall:Firewall", "firewall-deny-in").inputs["disabled"] ?? false).toBe(false);
});

test("a larger machine and a new service are an update in place and what the service needs, no more", async () => {
  gcp.configure({ "bulkhead:sql": { ...gcp.setting("bulkhead:sql"), machineType: "db-custom-8-30720" } });
  const shipped = gcp.checkout.read("services.ts");
  gcp.checkout.write("services.ts", shipped.replace("  accounts: {", "  reports: { port: 8300 },\n  accounts: {"));
  gcp.checkout.write("schemas/reports/001_reports.sql", "CREATE TABLE reports (id bigint PRIMARY KEY);\n");
  gcp.checkout.write("schemas/reports/001_reports.rollback.sql", "DROP TABLE reports;\n");

  const steps = await gcp.plannedSteps();
  expect(steps.filter(({ op }) => op !== "create").map(({ op, name }) => `${op} ${name}`)).toEqual(expect.arrayContaining(["update sql"]));
  expect(steps.filter(({ op }) => /replace|delete/.test(op))).toEqual([]);
  expect(steps.filter(({ op, name }) => op === "create" && !name.includes("reports"))).toEqual([]);

  const result = await up();
  expect(result.services.find(({ name }) => name === "reports")).toMatchObject({ ready: true, schemaVersion: 1 });
  const done = gcp.newOperations();
  expect(done).toContain("update DatabaseInstance sql");
  expect(done.filter((operation) => operation.startsWith("create ") && !operation.includes("reports"))).toEqual([]);
  expect(done.filter((operation) => operation.startsWith("delete "))).toEqual([]);
  expect(gcp.secret("bulkhead-prod-reports-app")).toMatchObject({ username: "reports_user", dbname: "reports_db" });
});

test("no password and no private key stands in the state, the checkout, the job's log or anything that was written", async () => {
  const { stdout: state } = await gcp.pulumi(["stack", "export"]);
  const outputs = await gcp.pulumi(["stack", "output", "--json", "--show-secrets"]);
  const authStrings = gcp.cloud.resources("gcp:redis/instance:Instance").map(({ outputs: { authString } }) => authString as string);
  const secrets = [...new Set([...gcp.secretStrings(), ...authStrings])];
  // Each service's three logins, the admin's, Redis', ClickHouse's, and its authority's and server's keys.
  expect(secrets.length).toBe(3 * (SERVICES.length + 1) + 1 + 1 + 1 + 2);
  expect(secrets.every((secret) => secret.length >= 20)).toBe(true);
  const texts: [string, string][] = [["state", state], ["outputs", outputs.stdout], ["commands", written.join("")], ["job", gcp.api.jobs.executions.flatMap(({ lines }) => lines).join("\n")]];
  for (const path of filesBelow(dirname(gcp.checkout.root))) texts.push([path, readFileSync(path, "latin1")]);
  expect(texts.length).toBeGreaterThan(100);
  expect(texts.filter(([, text]) => secrets.some((secret) => text.includes(secret))).map(([where]) => where)).toEqual([]);
  // The one that the engine has to know lies in the state all the same: encrypted.
  expect(state).toMatch(/"authString": \{\s*"4dabf18193072939515e22adb298388d": "[0-9a-f]{32}",\s*"ciphertext"/);
});

test("status answers, and commands that need a session say which way gives one", async () => {
  const status = await run("status");
  expect({ exitCode: status.exitCode, stderr: status.stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(status.stdout).toMatch(/auth +auth_db/);
  for (const command of [["provision"], ["shell", "auth"]]) {
    const { exitCode, stderr } = await run(...command);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/REACH_NO_SESSION[\s\S]*bulkhead:reach\.transport tunnel/);
  }
});

test("a protected stack is not destroyed", async () => {
  const { exitCode, stderr } = await run("down", "--destroy", "--yes");
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining("DESTROY_PROTECTED") as string });
  expect(stderr).toMatch(/deletionProtection false/);
  expect(gcp.newOperations()).toEqual([]);
});

test("without protection it goes, users first and networks last, and its Postgres with it", async () => {
  const servers = gcp.postgresServers;
  expect(servers).toHaveLength(1);
  gcp.configure({ "bulkhead:deletionProtection": false });
  await up();
  expect(gcp.newOperations().filter((operation) => !operation.startsWith("update "))).toEqual([]);

  const down = await run("down", "--destroy", "--yes");
  if (down.exitCode !== 0) throw new Error(`down ended with ${down.exitCode}:\n${down.stderr}`);
  const done = gcp.newOperations();
  const at = (operation: string): number => done.indexOf(`delete ${operation}`);
  for (const [earlier, later] of [
    ["URLMap edge", "Service services-frontend"],
    ["Service services-backend", "DatabaseInstance sql"],
    ["DatabaseInstance sql", "Connection private-services"],
    ["Instance redis-backend", "Connection private-services"],
    ["Connection private-services", "Network network"],
  ] as const) {
    expect({ earlier, there: at(earlier) >= 0, inOrder: at(earlier) < at(later) }).toEqual({ earlier, there: true, inOrder: true });
  }
  for (const service of RUNNING) expect(at(`Service services-${service}`)).toBeGreaterThanOrEqual(0);
  // Google keeps key rings and keys for good; APIs and audit logs are the project's, and stay for whoever else uses it.
  const left = new Set(gcp.cloud.resources().map(({ type }) => type.split(":").at(-1)));
  expect([...left].filter((type) => !["KeyRing", "CryptoKey", "Service", "IAMAuditConfig"].includes(type!))).toEqual([]);
  expect(gcp.postgresServers).toEqual([]);
  expect(servers.flatMap(({ folder }) => processesIn(folder))).toEqual([]);
});

/** Files small enough to be read; the packages are a link. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) return [];
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() && statSync(path).size < 64 << 20 ? [path] : [];
  });
}

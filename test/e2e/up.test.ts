import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { STORE_RULES } from "../../manager/src/validate/rules";
import { Checkout, processesIn } from "../support/checkout";
import type { UpJson } from "../support/checkout";

// The first thing a new user does, on the real engine with the catalog as it ships, and everything there is to ask about it afterwards.

const SERVICES = ["auth", "l2p", "payment", "videovault", "exploits", "apihub", "accounts", "backend"];
let checkout: Checkout;
let firstPreview: string;
let first: UpJson;
let firstStderr: string;
/** Command lines seen while the first `up` ran. */
const seenArguments: string[] = [];

beforeAll(async () => {
  checkout = await Checkout.create();
  firstPreview = (await checkout.bulkhead(["preview"])).stdout;
  const up = checkout.start(["up", "--output", "json"], { env: { PULUMI_DEBUG_GRPC: checkout.path("grpc.json") } });
  const sampling = setInterval(() => seenArguments.push(execFileSync("ps", ["axww", "-o", "args="], { encoding: "utf8" })), 150);
  const { exitCode, stdout, stderr } = await up.done;
  clearInterval(sampling);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  first = JSON.parse(stdout) as UpJson;
  firstStderr = stderr;
});

afterAll(() => checkout.remove());

test("the preview of a new tier has one line for each compartment", () => {
  expect(firstPreview.split("\n")).toHaveLength(SERVICES.length + 6);
  expect(firstPreview).toContain("  + database auth_db with roles auth_owner, auth_app, auth_migrator, auth_user, auth_user_b, auth_readonly\n");
});

test("the first up makes every compartment and says so on stdout alone", () => {
  expect(first).toMatchObject({ version: 1, stack: "dev", target: "local", ok: true, changes: { create: 24 } });
  expect(first.services).toEqual(SERVICES.map((name) => ({ name, database: `${name}_db`, ready: true, degraded: name === "backend" ? (expect.any(Array) as unknown[]) : [], schemaVersion: 1, ms: expect.any(Number) as number })));
  expect(firstStderr).toContain("auth: made its database, its roles and 3 logins");
  expect(firstStderr).not.toMatch(/missing or not whole/);
});

test("the second up changes nothing, as text and as a stream", async () => {
  const text = await checkout.bulkhead(["up"]);
  expect(text.stdout).toMatch(/^SERVICE +DATABASE +SCHEMA +STATE +CONNECT\nauth +auth_db +1 +ready +npx bulkhead conn auth\n/);
  expect(text.stdout).toContain("Nothing to change: stack dev is as declared");
  // Whether backend has its Redis and ClickHouse depends on the machine; all else is quiet.
  expect(text.stderr.split("\n").filter((line) => line !== "" && !/^(warning: )?backend is degraded: no (redis|clickhouse), since .+\. To mend it: \S/.test(line))).toEqual([]);
  const stream = await checkout.bulkhead(["up", "--output=stream-json"]);
  const lines = stream.stdout.trim().split("\n").map((line) => JSON.parse(line) as { type: string; changes?: object });
  expect(lines.at(-1)).toMatchObject({ type: "result", changes: { same: 24 } });
  expect(stream.stderr).toBe("");
});

test("plain Pulumi sees the same stack, and neither way finds work in the other's", async () => {
  const preview = await checkout.pulumi(["preview", "--stack", "dev", "--non-interactive", "--expect-no-changes"]).done;
  expect(preview).toMatchObject({ exitCode: 0 });
  const up = await checkout.pulumi(["up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive"]).done;
  expect(up).toMatchObject({ exitCode: 0 });
  expect(up.stdout).toMatch(/24 unchanged/);
});

test("the outputs name database, host, port, roles and where the secrets are, and no secret", async () => {
  const { stdout } = await checkout.pulumi(["stack", "output", "--json", "--stack", "dev", "--show-secrets"]).done;
  const { tier, services } = JSON.parse(stdout) as { tier: object; services: Record<string, object> };
  expect(tier).toEqual({ target: "local", host: "localhost", port: checkout.secret("auth").port, serverVersion: expect.stringMatching(/^17\./) as string });
  expect(Object.keys(services)).toEqual(expect.arrayContaining(SERVICES));
  expect(services["auth"]).toEqual({
    database: "auth_db",
    host: "localhost",
    port: checkout.secret("auth").port,
    roles: { owner: "auth_owner", migrator: "auth_migrator", app: "auth_app", users: ["auth_user", "auth_user_b"], readonly: "auth_readonly" },
    secrets: Object.fromEntries(["app", "migrator", "readonly"].map((login) => [login, `file:${checkout.path(".bulkhead/dev/secrets/auth", `${login}.json`)}`])),
  });
});

test("validate proves every rule for every service", async () => {
  const { ok, checks, summary } = await checkout.json<{ ok: boolean; checks: { id: string; service: string; status: string }[]; summary: { failed: number } }>("validate");
  expect({ ok, failed: summary.failed }).toEqual({ ok: true, failed: 0 });
  const rules = new Set(checks.filter(({ service }) => service === "auth").map(({ id }) => id));
  const rulesOf = (service: string): Set<string> => new Set(checks.filter((check) => check.service === service).map(({ id }) => id));
  for (const service of [...SERVICES, "frontend"]) expect([service, rulesOf(service)]).toEqual([service, service === "backend" ? new Set([...rules, ...Object.keys(STORE_RULES)]) : rules]);
});

test("status, doctor, conn, env and shell answer as text and as JSON", async () => {
  const status = await checkout.json<{ version: number; server: object; services: object[] }>("status");
  expect(status).toMatchObject({ version: 1, stack: "dev", target: "local", server: { running: true, host: "localhost" } });
  expect(status.services[0]).toMatchObject({ name: "auth", database: "auth_db", ready: true, schemaVersion: 1, findings: [], nextAction: null, connections: { limit: expect.any(Number) as number } });
  expect((await checkout.bulkhead(["status"])).stdout).toMatch(/\nauth +auth_db +\d+\.\d MB +\d+ of \d+ +1 +never +ready\n/);

  const doctor = await checkout.json<{ ok: boolean; checks: { id: string; status: string; fix: string | null }[] }>("doctor");
  expect(doctor.ok).toBe(true);
  expect(doctor.checks.map(({ id }) => id)).toEqual(expect.arrayContaining(["node", "pulumi-cli", "stack-config", "catalog", "schemas", "server", "secrets"]));

  const { password, port } = checkout.secret("payment");
  const url = `postgresql://payment_user:${password}@localhost:${port}/payment_db?sslmode=verify-full&sslrootcert=${encodeURIComponent(checkout.path(".bulkhead/dev/tls/ca.crt"))}`;
  const conn = await checkout.json<{ username: string; url: string }>("conn", "payment");
  expect(conn).toMatchObject({ version: 1, service: "payment", role: "app", username: "payment_user", password });
  expect(decodeURIComponent(conn.url)).toBe(decodeURIComponent(url));
  expect((await checkout.bulkhead(["conn", "--admin"])).stdout).toMatch(/^postgresql:\/\/bulkhead_admin:[^@]+@localhost:\d+\/postgres\?/);
  expect((await checkout.bulkhead(["env", "payment", "--role", "readonly"])).stdout).toMatch(/^PORT=3004\nDATABASE_URL='?postgresql:[\s\S]*\nPGUSER=payment_readonly\n/);
});

test("wrong usage ends with 2 and says what would be right", async () => {
  const cases: [string[], RegExp][] = [
    [["frobnicate"], /unknown command/],
    [["up", "--stack", "nowhere"], /there is: .*dev[\s\S]*STACK_UNKNOWN/],
    [["conn", "nobody"], /there is: auth, l2p/],
    [["conn", "frontend"], /has no database/],
    [["conn"], /name a service, or say --admin/],
    [["conn", "auth", "--role", "root"], /app, migrator, readonly/],
    [["up", "--output", "yaml"], /text, json, stream-json/],
  ];
  const results = await Promise.all(cases.map(([args]) => checkout.bulkhead(args)));
  results.forEach((result, index) => expect({ args: cases[index]![0], ...result }).toMatchObject({ exitCode: 2, stdout: "", stderr: expect.stringMatching(cases[index]![1]) as string }));
});

test("removal for good asks for the name, and without a terminal for --yes", async () => {
  const { exitCode, stderr } = await checkout.bulkhead(["down", "--destroy"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(/no terminal to ask at[\s\S]*--yes/) as string });
});

test("when nobody reads its output any more, a command still ends, and well", async () => {
  // With something to report on the way.
  await checkout.bulkhead(["down"]);
  // Every write meets a closed pipe. An error handler of Pulumi's SDK writes, too.
  const status = execFileSync("bash", ["-c", "node scripts/bulkhead.cjs up 2>&1 | true; echo ${PIPESTATUS[0]}"], { cwd: checkout.root, encoding: "utf8", timeout: 60_000 });
  expect(status).toBe("0\n");
});

test("down stops the server and keeps the data; status says so; up starts it and changes nothing else", async () => {
  expect((await checkout.bulkhead(["down"])).stdout).toBe("Stopped. The data are kept; npm run up starts the server again.\n");
  expect((await checkout.bulkhead(["down"])).stdout).toBe("Nothing was running. The data are kept.\n");
  expect(processesIn(checkout.root)).toEqual([]);
  const status = await checkout.json<{ server: object; services: { nextAction: string }[] }>("status");
  expect(status).toMatchObject({ server: { running: false, reason: "it was stopped" } });
  expect((await checkout.bulkhead(["validate"])).stderr).toMatch(/TIER_NOT_RUNNING[\s\S]*npm run up/);
  expect(await checkout.up()).toMatchObject({ ok: true, changes: { same: 24 } });
});

test("no password stands anywhere but in the secrets", async () => {
  const secrets = checkout.path(".bulkhead/dev/secrets");
  const passwords = [checkout.secret("admin").password, ...SERVICES.flatMap((service) => ["app", "migrator", "readonly"].map((login) => checkout.secret(service, login).password))];
  expect(new Set(passwords).size).toBe(25);
  const outputs = await Promise.all([["status"], ["validate"], ["doctor"], ["preview"]].map((args) => checkout.bulkhead(args)));
  // On the engine's most talkative setting, too.
  outputs.push(await checkout.pulumi(["preview", "--stack", "dev", "--non-interactive", "--debug", "--logtostderr", "-v=9"]).done);
  const texts: [string, string][] = [["up", JSON.stringify(first) + firstStderr], ["process list", seenArguments.join("")], ["commands", outputs.map(({ stdout, stderr }) => stdout + stderr).join("")]];
  for (const path of filesBelow(checkout.root)) if (!path.startsWith(secrets)) texts.push([path, readIfThere(path)]);
  expect(texts.length).toBeGreaterThan(100);
  expect(texts.filter(([, text]) => passwords.some((password) => text.includes(password))).map(([where]) => where)).toEqual([]);
});

test("plain pulumi destroy takes the resources out of the state and leaves the data; up takes them up again", async () => {
  const { exitCode, stdout } = await checkout.pulumi(["destroy", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive"]).done;
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
  const before = checkout.secret("auth").password;
  expect(await checkout.up()).toMatchObject({ ok: true, changes: { create: 24 } });
  expect(checkout.secret("auth").password).toBe(before);
});

/** Files small enough to be read; the server's own data are no text. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) return [];
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() && statSync(path).size < 64 << 20 ? [path] : [];
  });
}

/** A running server removes files of its own at any moment. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

import { chmodSync, mkdirSync, rmSync } from "node:fs";

import { Checkout } from "../support/checkout";
import type { CommandResult } from "../support/checkout";

// Surroundings that a program meets on other people's machines, and what they write into the files that it reads.

let checkout: Checkout;
const CATALOG = `auth: { port: 5500 }, payment: { port: 3004, database: "pay \\"ment\\" größe; DROP" }`;

beforeAll(async () => {
  // A path with everything in it that a shell, a URL or a format string could trip over.
  checkout = await Checkout.create({ name: "my 'check' out ü %20 #1", services: CATALOG });
});

afterAll(() => checkout.remove());

/** What a person may have set for other programs; none of it is Bulkhead's. */
const ODD_ENVIRONMENT = {
  PGHOST: "203.0.113.1",
  PGPORT: "1",
  PGUSER: "root",
  PGPASSWORD: "nonsense",
  PGDATABASE: "nothing",
  PGOPTIONS: "-c search_path=nowhere -c default_transaction_read_only=on",
  PGSSLMODE: "disable",
  PGSERVICE: "missing",
  PGAPPNAME: "x",
  DATABASE_URL: "postgresql://203.0.113.1/x",
  TZ: "Asia/Kathmandu",
  LANG: "tr_TR.UTF-8",
  LC_ALL: "xx_XX",
  NODE_ENV: "production",
  NO_COLOR: "1",
  PULUMI_CONFIG_PASSPHRASE: "of another project",
  PULUMI_CONFIG_PASSPHRASE_FILE: "/nowhere",
  PULUMI_ACCESS_TOKEN: "of another project",
};

function expectRefused({ exitCode, stdout, stderr }: CommandResult, message: RegExp, code = 1): void {
  expect({ exitCode, stdout, stderr }).toEqual({ exitCode: code, stdout: "", stderr: expect.stringMatching(message) as string });
  // Never a stack trace for what a person can mend.
  expect(stderr).not.toMatch(/\n\s+at /);
}

test("an odd path, an odd environment, no stdin and an odd database name: up, validate and a shell work", async () => {
  const up = await checkout.bulkhead(["up"], { env: ODD_ENVIRONMENT });
  expect(up).toMatchObject({ exitCode: 0 });
  expect(await checkout.bulkhead(["validate"], { env: ODD_ENVIRONMENT })).toMatchObject({ exitCode: 0 });
  expect(checkout.secret("payment").dbname).toBe('pay "ment" größe; DROP');
  const again = await checkout.bulkhead(["up"], { env: ODD_ENVIRONMENT });
  expect(again.stdout).toContain("Nothing to change");
  expect(again.stdout + again.stderr).not.toContain("\u001b[");
});

test("without HOME, and from a folder within the checkout, it works on the same stack", async () => {
  const { exitCode, stdout, stderr } = await checkout.bulkhead(["status"], { cwd: checkout.path("schemas", "auth"), env: { HOME: undefined } });
  expect({ exitCode, stdout, stderr }).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/auth +auth_db/) as string });
});

test("another backend that PULUMI_BACKEND_URL names keeps the state, with the passphrase that the person has for it", async () => {
  const elsewhere = checkout.path("..", "state");
  mkdirSync(elsewhere);
  const env = { PULUMI_BACKEND_URL: `file://${elsewhere}`, PULUMI_CONFIG_PASSPHRASE: "" };
  expect(await checkout.bulkhead(["up"], { env })).toMatchObject({ exitCode: 0 });
  expect(await checkout.bulkhead(["up"], { env })).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("Nothing to change") as string });
});

test("a backend that does not exist is refused in Pulumi's words, without the command line that it was asked with", async () => {
  expectRefused(await checkout.bulkhead(["up"], { env: { PULUMI_BACKEND_URL: "file:///nowhere/at/all", PULUMI_CONFIG_PASSPHRASE: "" } }), /^error: opening stack dev did not go through:\nunable to open state directory [^\n]*nowhere[^\n]*\n?.*\[ENGINE_FAILED\]/);
});

test("the stack's settings are checked, all at once", async () => {
  const good = checkout.read("Pulumi.dev.yaml");
  checkout.write("Pulumi.dev.yaml", good.replace("target: local", "target: local\n  bulkhead:maxConnection: 5\n  bulkhead:maxConnections: many"));
  expectRefused(await checkout.bulkhead(["up"]), /2 problems:[\s\S]*maxConnection is no setting[\s\S]*pulumi config rm maxConnection --stack dev[\s\S]*maxConnections is "many"[\s\S]*pulumi config set maxConnections 500[\s\S]*CONFIG_INVALID/);
  checkout.write("Pulumi.dev.yaml", good.replace("target: local", "target: Local!"));
  expectRefused(await checkout.bulkhead(["up"]), /target is "Local!"[\s\S]*pulumi config set target local[\s\S]*CONFIG_INVALID/);
  checkout.write("Pulumi.dev.yaml", good.replace("target: local", "target: mainframe"));
  expectRefused(await checkout.bulkhead(["up"]), /no target "mainframe"; it has: local[\s\S]*TARGET_UNKNOWN/);
  checkout.write("Pulumi.dev.yaml", "config: [");
  expectRefused(await checkout.bulkhead(["up"]), /no YAML[\s\S]*STACK_FILE_INVALID/);
  checkout.write("Pulumi.dev.yaml", good);
});

test("a catalog with several problems is refused with all of them, and nothing is changed", async () => {
  checkout.declare(`Auth: { port: 5500 }, payment: { port: 5500, database: "auth_db" }, l2p: { port: 5500, database: "auth_db", calls: ["nobody"] }, postgres: { port: 70000 }`);
  expectRefused(await checkout.bulkhead(["up"]), /the service catalog has [5-9] problems:[\s\S]*"Auth"[\s\S]*"postgres"[\s\S]*CATALOG_INVALID[\s\S]*mend services\.ts/);
  const plain = await checkout.pulumi(["preview", "--stack", "dev", "--non-interactive"], { env: { PULUMI_BACKEND_URL: `file://${checkout.path("..", "state")}` } }).done;
  expect(plain.stdout).toMatch(/CATALOG_INVALID/);
  expect(plain.stdout).not.toMatch(/\n\s+at /);
  checkout.write("services.ts", "export default {");
  const { exitCode, stderr } = await checkout.bulkhead(["up"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining("services.ts") as string });
  checkout.declare(CATALOG);
});

test("a schema folder that is missing is named with the command that makes it", async () => {
  checkout.declare(`${CATALOG}, ghost: { port: 4000 }`);
  expectRefused(await checkout.bulkhead(["up"]), /schemas\/ghost[\s\S]*SCHEMA_FOLDER_MISSING[\s\S]*mkdir -p schemas\/ghost/);
  checkout.declare(CATALOG);
});

test("secret files: an empty one is made anew, one open to others is closed, a folder in its place is refused", async () => {
  const file = ".bulkhead/dev/secrets/auth/app.json";
  checkout.write(file, "");
  chmodSync(checkout.path(".bulkhead/dev/secrets/auth/readonly.json"), 0o644);
  const up = await checkout.bulkhead(["up"]);
  expect(up).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/readonly\.json could be read by others/) as string });
  expect(up.stderr).toMatch(/auth: the app secret of auth is missing/);

  rmSync(checkout.path(file));
  mkdirSync(checkout.path(file));
  expectRefused(await checkout.bulkhead(["up"]), /it is a folder[\s\S]*SECRET_FILE_UNREADABLE[\s\S]*mv /);
  rmSync(checkout.path(file), { recursive: true });
  expect((await checkout.up()).ok).toBe(true);
});

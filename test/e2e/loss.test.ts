import { execFileSync } from "node:child_process";
import { existsSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";

import { clientConfig, withSession } from "../../manager/src/postgres/connect";
import { readSecretFile } from "../../manager/src/secrets/file-store";
import { Checkout } from "../support/checkout";
import type { UpJson } from "../support/checkout";

// What gets lost, put back or changed behind Bulkhead's back: the next `up` notices it and puts it right, and the one after changes nothing.

const STATE = ".pulumi/stacks/bulkhead/dev.json";
let checkout: Checkout;

beforeAll(async () => {
  checkout = await Checkout.create({ services: "auth: { port: 5500 }, payment: { port: 3004 }" });
  expectReady(await checkout.up());
});

afterAll(() => checkout.remove());

function expectReady({ ok, services }: UpJson): void {
  expect({ ok, ready: services.map(({ name, ready }) => [name, ready]) }).toEqual({ ok: true, ready: [["auth", true], ["payment", true]] });
}

async function expectNothingToDo(): Promise<void> {
  const { changes } = await checkout.up();
  expect(Object.keys(changes)).toEqual(["same"]);
}

async function asAdmin(database: string, ...statements: string[]): Promise<void> {
  const secret = (await readSecretFile(checkout.path(".bulkhead/dev/secrets/admin.json")))!;
  await withSession(clientConfig({ ...secret, dbname: database }, "test"), async (client) => {
    for (const sql of statements) await client.query(sql);
  });
}

/** As the service itself would, with what stands in its secret now. */
async function logIn(service: string): Promise<string> {
  const secret = (await readSecretFile(checkout.path(`.bulkhead/dev/secrets/${service}/app.json`)))!;
  return withSession(clientConfig(secret, "test"), async (client) => (await client.query<{ name: string }>("SELECT current_user AS name")).rows[0]!.name);
}

test("databases, roles, secrets, privileges and settings that were changed by hand are each named and put right", async () => {
  await asAdmin("payment_db", "SET ROLE payment_owner", "GRANT SELECT ON users TO auth_user", "RESET ROLE", "ALTER ROLE payment_user SET work_mem = '64MB'");
  await asAdmin("postgres", "SET ROLE auth_owner", "DROP DATABASE auth_db", "RESET ROLE", "DROP ROLE auth_readonly");
  rmSync(checkout.path(".bulkhead/dev/secrets/payment/migrator.json"));
  const app = checkout.read(".bulkhead/dev/secrets/payment/app.json");
  checkout.write(".bulkhead/dev/secrets/payment/app.json", app.slice(0, app.length / 2));
  const readonly = JSON.parse(checkout.read(".bulkhead/dev/secrets/payment/readonly.json")) as object;
  checkout.write(".bulkhead/dev/secrets/payment/readonly.json", JSON.stringify({ ...readonly, password: "x".repeat(32) }));

  const { exitCode, stdout, stderr } = await checkout.bulkhead(["up"]);
  expect({ exitCode, stdout: stdout.match(/ready/g)?.length }).toEqual({ exitCode: 0, stdout: 2 });
  expect(stderr).toMatch(/auth: made its database/);
  expect(stderr).toMatch(/payment: .*auth_user/);
  expect(stderr).toMatch(/payment: .*work_mem/);
  for (const login of ["app", "migrator", "readonly"]) expect(stderr).toMatch(new RegExp(`payment: .*${login === "readonly" ? "payment_readonly has another password" : `the ${login} secret`}`));
  expect(await logIn("auth")).toBe("auth_user");
  expect(await logIn("payment")).toBe("payment_user");
  await expectNothingToDo();
});

test("a state that is gone while the tier is there is written again, and no password changes", async () => {
  const before = checkout.secret("auth").password;
  rmSync(checkout.path(".pulumi"), { recursive: true });
  expectReady(await checkout.up());
  expect(checkout.secret("auth").password).toBe(before);
  await expectNothingToDo();
});

test("a tier whose folder was deleted under the running server is made anew, and the server without data is ended", async () => {
  const orphan = checkout.postmaster()!;
  rmSync(realpathSync(checkout.path(".bulkhead/dev/data")), { recursive: true });
  rmSync(checkout.path(".bulkhead"), { recursive: true });
  checkout.rememberPort();
  expectReady(await checkout.up());
  expect(() => process.kill(orphan, 0)).toThrow();
  expect(await logIn("payment")).toBe("payment_user");
  await expectNothingToDo();
});

test("an older copy of the data gets the passwords that the secrets hold now, and what was made since", async () => {
  const data = realpathSync(checkout.path(".bulkhead/dev/data"));
  await checkout.bulkhead(["down"]);
  execFileSync("cp", ["-a", data, `${data}.copy`]);
  rmSync(checkout.path(".bulkhead/dev/secrets/auth"), { recursive: true });
  checkout.write("schemas/auth/002_note.sql", "CREATE TABLE note (id bigint PRIMARY KEY);\n");
  checkout.write("schemas/auth/002_note.rollback.sql", "DROP TABLE note;\n");
  expectReady(await checkout.up());
  await checkout.bulkhead(["down"]);
  renameSync(data, `${data}.newer`);
  renameSync(`${data}.copy`, data);

  const { services } = await checkout.up();
  expect(services.map(({ ready, schemaVersion }) => [ready, schemaVersion])).toEqual([[true, 2], [true, 1]]);
  expect(await logIn("auth")).toBe("auth_user");
  await expectNothingToDo();
});

test("a state that is no JSON, or another program's, is refused with the way out, and nothing is lost by taking it", async () => {
  for (const text of ["{ by hand", '{"version": 3, "checkpoint": {"stack": "organization/bulkhead/dev", "latest": {"resources": "none"}}}']) {
    writeFileSync(checkout.path(STATE), text);
    const { exitCode, stderr } = await checkout.bulkhead(["up"]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/state .*dev\.json/);
    expect(stderr).toMatch(/next: mv /);
    renameSync(checkout.path(STATE), checkout.path(`${STATE}.aside`));
  }
  expectReady(await checkout.up());
  expect(existsSync(checkout.path(STATE))).toBe(true);
});

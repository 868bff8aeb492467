import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { stopServer } from "../../../components/local/server/server";
import type { Stack } from "./stack";
import { makeStack } from "./stack";

let stack: Stack;
let secretFile: string;

beforeAll(async () => {
  stack = await makeStack();
  secretFile = join(stack.directory, "secrets", "admin.json");
  await stack.ensure();
});
afterAll(async () => { await stack.remove(); });

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

async function expectHealed({ newPassword }: { newPassword: boolean }, before: { systemIdentifier: string; password: string }): Promise<void> {
  const server = await stack.ensure();
  expect(server).toMatchObject({ initialised: false, systemIdentifier: before.systemIdentifier });
  expect(await stack.ask("SELECT current_user::text")).toBe("bulkhead_admin");
  expect(stack.secret().password !== before.password).toBe(newPassword);
  expect(stack.secret()).toMatchObject({ host: "localhost", port: server.port, dbname: "postgres", username: "bulkhead_admin", sslmode: "verify-full", ca: readFileSync(server.caPath, "utf8") });
  expect([modeOf(secretFile), modeOf(join(stack.directory, "secrets"))]).toEqual(["600", "700"]);
}

async function whatIs(): Promise<{ systemIdentifier: string; password: string }> {
  return { systemIdentifier: (await stack.ensure()).systemIdentifier, password: stack.secret().password };
}

test.each<[string, () => void]>([
  ["lost", () => rmSync(secretFile)],
  ["empty", () => writeFileSync(secretFile, "")],
  ["half-written", () => writeFileSync(secretFile, readFileSync(secretFile, "utf8").slice(0, 120))],
  ["of another kind", () => writeFileSync(secretFile, "[1, 2]")],
  ["lost with its whole folder", () => rmSync(join(stack.directory, "secrets"), { recursive: true })],
  ["a folder", () => { rmSync(secretFile); mkdirSync(secretFile); }],
  ["of a wrong password", () => writeFileSync(secretFile, JSON.stringify({ ...stack.secret(), password: "another-password-here" }))],
])("an admin secret that is %s is healed with a new password", async (_what, damage) => {
  const before = await whatIs();
  damage();
  await expectHealed({ newPassword: true }, before);
});

test.each<[string, () => void]>([
  ["readable by others", () => chmodSync(secretFile, 0o644)],
  ["in a folder open to others", () => chmodSync(join(stack.directory, "secrets"), 0o755)],
  ["of another port", () => writeFileSync(secretFile, JSON.stringify({ ...stack.secret(), port: 1 }))],
  ["without its authority", () => writeFileSync(secretFile, JSON.stringify({ ...stack.secret(), ca: undefined }))],
])("an admin secret that is %s is put right without a new password or a restart", async (_what, damage) => {
  const before = await whatIs();
  const { pid } = await stack.ensure();
  damage();
  await expectHealed({ newPassword: false }, before);
  expect((await stack.ensure()).pid).toBe(pid);
});

test("a secret that was damaged while the server was stopped is healed by the next start", async () => {
  const before = await whatIs();
  await stopServer({ directory: stack.directory, progress: () => undefined });
  writeFileSync(secretFile, JSON.stringify({ ...stack.secret(), password: "another-password-here" }));
  await expectHealed({ newPassword: true }, before);
});

test.each(["server.key", "server.crt", "ca.crt"])("with %s lost, certificates are made anew and the secret has the new authority", async (file) => {
  const before = await whatIs();
  rmSync(join(stack.directory, "tls", file));
  await expectHealed({ newPassword: false }, before);
  expect(modeOf(join(stack.directory, "tls", "server.key"))).toBe("600");
});

test("configuration that was edited by hand or lost is written again", async () => {
  const before = await whatIs();
  writeFileSync(join(stack.data, "pg_hba.conf"), "host all all all trust\n");
  await expectHealed({ newPassword: false }, before);
  expect(readFileSync(join(stack.data, "pg_hba.conf"), "utf8")).not.toContain("trust");
  await stopServer({ directory: stack.directory, progress: () => undefined });
  rmSync(join(stack.data, "postgresql.conf"));
  await expectHealed({ newPassword: false }, before);
});

test("nothing half-written is left in the stack directory", () => {
  const drafts = readdirSync(stack.directory, { recursive: true, encoding: "utf8" }).filter((name) => basename(name).startsWith("."));
  expect(drafts).toEqual([]);
});

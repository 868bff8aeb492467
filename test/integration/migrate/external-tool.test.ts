import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { migrate, runMigrationCommand } from "../../../manager/src/migrate";
import type { MigrationCommandOptions } from "../../../manager/src/migrate";
import { startTestServer } from "../../support/server";
import type { TestServer } from "../../support/server";
import { Folders, createCompartment, withClient } from "./compartment";
import type { Compartment } from "./compartment";

let server: TestServer;
let it: Compartment;
const folders = new Folders();

const options = (behaviour: string, lines: string[] = []): MigrationCommandOptions => ({
  client: it.migrator(),
  service: it.service,
  owner: it.owner,
  url: it.url,
  cwd: __dirname,
  command: [process.execPath, join(__dirname, "fake-tool.cjs"), behaviour],
  progress: (line) => lines.push(line),
});

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** The process ids that the tool has printed, waited for. */
async function pidsIn(lines: readonly string[]): Promise<number[]> {
  for (;;) {
    const found = lines.map((line) => /pids (.*)/.exec(line)?.[1]).find((pids) => pids !== undefined);
    if (found !== undefined) return found.split(" ").map(Number);
    await sleep(20);
  }
}

async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await sleep(20);
}

const noSecret = (text: string): void => {
  expect(text).not.toContain(it.password);
  expect(text).not.toContain(encodeURIComponent(it.password));
};

beforeAll(async () => {
  server = await startTestServer({ name: "tool" });
  it = await createCompartment(server, "tool");
});

afterAll(async () => {
  folders.remove();
  await server?.stop();
});

test("the tool runs as the owner, with the migrator's URL and under the migration lock", async () => {
  const lines: string[] = [];
  expect(await runMigrationCommand(options("migrate", lines))).toEqual({ ms: expect.any(Number) as number });
  expect(lines.at(-1)).toBe('tool: {"role":"tool_owner","locks":1}');
  expect(await it.query("SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'by_tool'")).toEqual([{ owner: it.owner }]);
});

test("a tool and migrate exclude each other", async () => {
  const lines: string[] = [];
  const controller = new AbortController();
  const running = runMigrationCommand({ ...options("wait", lines), signal: controller.signal }).catch((error: unknown) => error);
  const pids = await pidsIn(lines);
  const directory = await folders.make({ "001_a.sql": "CREATE TABLE a ()" });
  await expect(migrate({ ...options(""), directory, lockWaitMs: 100 })).rejects.toMatchObject({ code: "MIGRATION_LOCK_HELD" });
  controller.abort();
  expect(await running).toMatchObject({ code: "MIGRATION_ABORTED" });
  await untilGone(pids);
  expect(await migrate({ ...options(""), directory })).toMatchObject({ schemaVersion: 1 });
});

test("it gets PATH, HOME, LANG, DATABASE_URL and what is given, and nothing of the caller's environment else", async () => {
  const lines: string[] = [];
  process.env.PGHOST = "elsewhere";
  process.env.AWS_SECRET_ACCESS_KEY = "not-for-tools";
  try {
    await runMigrationCommand({ ...options("environment", lines), env: { MODE: "test" } });
  } finally {
    delete process.env.PGHOST;
    delete process.env.AWS_SECRET_ACCESS_KEY;
  }
  const names = /tool: (.*) in (.*)/.exec(lines.at(-1)!)!;
  expect(names[1]!.split(" ").filter((name) => !["HOME", "LANG"].includes(name))).toEqual(["DATABASE_URL", "MODE", "PATH"]);
  expect(names[2]).toBe(__dirname);
});

test("a failure tells exit code and last lines, and no password in any spelling", async () => {
  const lines: string[] = [];
  const error = (await runMigrationCommand(options("leak", lines)).catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ code: "MIGRATION_COMMAND_FAILED", message: expect.stringMatching(/ended with exit code 3\. Its last lines:[^]*connecting to/) as string });
  noSecret(error.message + lines.join("\n"));
  // Nor a part of it, at the end of a line that was cut.
  expect(lines.join("\n")).not.toContain(it.password.slice(0, 8));
});

test("a flood of output is cut, and its end is in the error", async () => {
  const lines: string[] = [];
  const error = (await runMigrationCommand(options("flood", lines)).catch((thrown: unknown) => thrown)) as Error;
  expect(error.message).toContain("line 19999");
  expect(error.message.length).toBeLessThan(10_000);
  expect(lines.length).toBeLessThan(2_010);
  expect(lines.at(-1)).toContain("more output is not shown");
});

test("a tool that hangs is ended in time, with its children, though they are deaf to SIGTERM", async () => {
  const lines: string[] = [];
  await expect(runMigrationCommand({ ...options("hang", lines), timeoutMs: 1_000 })).rejects.toMatchObject({ code: "MIGRATION_COMMAND_TIMEOUT" });
  await untilGone(await pidsIn(lines));
});

test("what a tool leaves running is ended with it", async () => {
  const lines: string[] = [];
  await runMigrationCommand(options("orphan", lines));
  await untilGone(await pidsIn(lines));
});

test("a tool is ended when the session that holds the lock is lost", async () => {
  const lines: string[] = [];
  const running = runMigrationCommand(options("wait", lines)).catch((error: unknown) => error);
  const pids = await pidsIn(lines);
  await withClient(it.migrator(), async (client) => {
    await client.query("SET ROLE NONE");
    await client.query("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()");
  });
  expect(await running).toMatchObject({ code: "MIGRATION_LOCK_LOST" });
  await untilGone(pids);
});

test("a tool that is not there, or whose folder is not, is told as such", async () => {
  await expect(runMigrationCommand({ ...options(""), command: ["no-such-tool", "deploy"] })).rejects.toMatchObject({ code: "MIGRATION_COMMAND_NOT_FOUND", message: expect.stringContaining("no-such-tool deploy of tool cannot be started") as string });
  await expect(runMigrationCommand({ ...options("migrate"), cwd: join(__dirname, "none") })).rejects.toMatchObject({ code: "MIGRATION_COMMAND_NOT_FOUND" });
});

test("no shell reads the arguments", async () => {
  const lines: string[] = [];
  await runMigrationCommand({ ...options(""), command: [process.execPath, "-e", "console.log(process.argv[1])", "$(id); `id` $HOME"], progress: (line) => lines.push(line) });
  expect(lines.at(-1)).toBe("tool: $(id); `id` $HOME");
});

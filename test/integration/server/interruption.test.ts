import { setTimeout as sleep } from "node:timers/promises";
import { postgresProcessesOf } from "../../../components/local/server/running-process";
import { stopServer } from "../../../components/local/server/server";
import { ensureInChild } from "./children";
import type { Stack } from "./stack";
import { makeStack } from "./stack";

let stack: Stack;

beforeEach(async () => { stack = await makeStack(); });
afterEach(async () => { await stack.remove(); });

test("two commands at once start one server, and both get it", async () => {
  const [first, second] = await Promise.all([ensureInChild(stack.options).result, ensureInChild(stack.options).result]);
  expect(first.error).toBeUndefined();
  expect(second.error).toBeUndefined();
  expect({ ...first.server, started: 0, initialised: 0 }).toEqual({ ...second.server, started: 0, initialised: 0 });
  expect([first.server?.initialised, second.server?.initialised].sort()).toEqual([false, true]);
  expect(await stack.ask("SELECT current_user::text")).toBe("bulkhead_admin");
});

test("two calls in one process at once start one server, too", async () => {
  const servers = await Promise.all([stack.ensure(), stack.ensure(), stack.ensure()]);
  expect(new Set(servers.map((server) => server.pid)).size).toBe(1);
  expect(servers.filter((server) => server.started)).toHaveLength(1);
});

test("the server outlives a SIGKILL of the whole process group of the command that started it", async () => {
  const child = ensureInChild(stack.options);
  const { server } = await child.result;
  // The group is empty by now if nobody else is in it; a server in it would be killed here.
  killGroup(child.process.pid);
  expect(await stack.ensure()).toMatchObject({ pid: server?.pid, started: false });
});

// Spread over the whole of a first start: loading, initdb, bootstrap, start, login.
test.each([150, 300, 450, 600, 800, 1000, 1300])("after a SIGKILL of the command %i ms into its first run, the next run succeeds", async (delayMs) => {
  const child = ensureInChild(stack.options);
  await sleep(delayMs);
  killGroup(child.process.pid);
  await child.result;
  const server = await stack.ensure();
  expect(postgresProcessesOf(stack.data)).toContain(server.pid);
  expect(await stack.ask("SELECT current_user::text")).toBe("bulkhead_admin");
  expect(await stack.ask("SELECT datistemplate FROM pg_database WHERE datname = 'bulkhead_template'")).toBe(true);
});

test.each([200, 500, 800])("Ctrl-C %i ms into a first run leaves no process behind, and the next run succeeds", async (delayMs) => {
  const interruption = new AbortController();
  const attempt = stack.ensure({ signal: interruption.signal });
  const timer = setTimeout(() => interruption.abort(new Error("interrupted")), delayMs);
  const outcome = await attempt.then(() => "started", (error: Error) => error.message);
  clearTimeout(timer);
  expect(["started", "interrupted"]).toContain(outcome);
  if (outcome === "interrupted") expect(postgresProcessesOf(stack.data)).toEqual([]);
  expect(await stack.ensure()).toMatchObject({ started: outcome === "interrupted" });
});

test("Ctrl-C while the server starts stops it again", async () => {
  await stack.ensure();
  await stopServer({ directory: stack.directory, progress: () => undefined });
  const interruption = new AbortController();
  // The last line before the start: what is aborted is the wait for the server.
  const attempt = stack.ensure({ signal: interruption.signal, progress: (line) => { if (line.startsWith("starting PostgreSQL")) setImmediate(() => interruption.abort(new Error("interrupted"))); } });
  await expect(attempt).rejects.toThrow("interrupted");
  expect(postgresProcessesOf(stack.data)).toEqual([]);
});

test("an aborted signal starts nothing", async () => {
  await expect(stack.ensure({ signal: AbortSignal.abort(new Error("interrupted")) })).rejects.toThrow("interrupted");
  expect(postgresProcessesOf(stack.data)).toEqual([]);
});

/** All of a command's own processes; on a quick machine it may have ended by itself. */
function killGroup(pid: number | undefined): void {
  try {
    process.kill(-(pid ?? 0), "SIGKILL");
  } catch (error) {
    expect(error).toMatchObject({ code: "ESRCH" });
  }
}

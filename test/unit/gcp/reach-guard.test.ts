import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { findGcloud } from "../../../components/gcp/reach/gcloud";

/** An error with these fields, for `toThrow`. */
function withFields(fields: object): Error {
  return expect.objectContaining(fields) as Error;
}

const GUARD = resolve(__dirname, "../../../components/gcp/reach/guard.cjs");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bulkhead-guard-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 10));
}

/** As gcloud is one: a shell script that starts the program proper, and notes its process id. */
function wrapper(program: string): string {
  const script = join(folder, "gcloud");
  writeFileSync(script, `#!/bin/sh\n'${process.execPath}' -e "${program}" &\necho $! > '${folder}/pid.partial' && mv '${folder}/pid.partial' '${folder}/pid'\nwait\n`);
  chmodSync(script, 0o755);
  return script;
}

async function innerPid(): Promise<number> {
  await until(() => existsSync(join(folder, "pid")));
  return Number(readFileSync(join(folder, "pid"), "utf8"));
}

it("ends the program and what that started when its starter is killed", async () => {
  const script = wrapper("setInterval(() => {}, 1000)");
  // A process that starts the guard as the tunnel does, and is then gone without a chance to clean up.
  const starter = spawn(process.execPath, ["-e", `require('node:child_process').spawn(process.execPath, [${JSON.stringify(GUARD)}, ${JSON.stringify(script)}], { stdio: ['pipe', 'ignore', 'ignore'], detached: true }); setInterval(() => {}, 1000)`]);
  const pid = await innerPid();
  expect(isAlive(pid)).toBe(true);
  starter.kill("SIGKILL");
  await until(() => !isAlive(pid));
});

it("ends a program that does not listen to the first order", async () => {
  const script = wrapper("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)");
  const guard = spawn(process.execPath, [GUARD, script], { stdio: ["pipe", "ignore", "ignore"] });
  const pid = await innerPid();
  guard.stdin.end();
  await until(() => !isAlive(pid) && (guard.exitCode !== null || guard.signalCode !== null));
});

it("ends as the program does, and says why one cannot be started", async () => {
  const run = (program: string, ...args: string[]) => new Promise<{ code: number | null; stderr: string }>((done) => {
    const guard = spawn(process.execPath, [GUARD, program, ...args], { stdio: ["pipe", "ignore", "pipe"] });
    let stderr = "";
    guard.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
    guard.once("close", (code) => done({ code, stderr }));
  });
  expect((await run(process.execPath, "-e", "process.exit(7)")).code).toBe(7);
  expect(await run(join(folder, "nowhere"))).toEqual({ code: 127, stderr: expect.stringContaining("ENOENT") as string });
});

it("finds gcloud on the PATH, or says where to get it and what goes without it", () => {
  const script = wrapper("0");
  expect(findGcloud({ PATH: `/nowhere::${folder}` })).toBe(script);
  expect(() => findGcloud({ PATH: "/nowhere" })).toThrow(withFields({ code: "REACH_GCLOUD_MISSING", hint: expect.stringContaining("reach.transport job") as string }));
});

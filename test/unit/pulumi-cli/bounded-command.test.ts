import { spawnSync } from "node:child_process";
import { runBounded } from "../../../scripts/pulumi-cli/bounded-command";
import type { BoundedCommand, CommandEnd } from "../../../scripts/pulumi-cli/bounded-command";

function run(script: string, options: Partial<BoundedCommand> = {}): Promise<CommandEnd> {
  return runBounded({ command: [process.execPath, "-e", script], cwd: process.cwd(), env: process.env, timeoutMs: 60_000, stallMs: () => 60_000, ...options });
}

/** Whether a process runs still; one that has ended but was not yet collected by its parent does not. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.startsWith("Z");
}

const HANG = "setInterval(() => {}, 1_000)";

describe("a bounded command", () => {
  test("that succeeds has no failure, and hands over its lines", async () => {
    const lines: string[] = [];
    expect(await run(`console.log("one"); console.error("two")`, { onLine: (line) => lines.push(line) })).toEqual({ failure: undefined });
    expect(lines.sort()).toEqual(["one", "two"]);
  });

  test("that fails tells its exit code and its last lines only", async () => {
    const { failure } = await run(`for (let i = 0; i < 100; i += 1) console.log("line " + i); process.exitCode = 7;`);
    expect(failure).toMatchObject({ reason: "exit code 7", summary: "exit code 7; its last words: line 99" });
    expect(failure?.lastLines).toEqual(Array.from({ length: 8 }, (_, i) => `line ${92 + i}`));
  });

  test("that does not exist is a failure", async () => {
    expect((await run("", { command: ["/no/such/program"] })).failure?.reason).toContain("ENOENT");
  });

  test("that falls silent is ended, with what it started", async () => {
    const lines: string[] = [];
    const script = `const child = require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(HANG)}], { stdio: "inherit" }); console.log(child.pid); ${HANG}`;
    const { failure } = await run(script, { stallMs: () => 1_000, onLine: (line) => lines.push(line) });
    expect(failure?.reason).toMatch(/^nothing happened for \d+ s/);
    while (isRunning(Number(lines[0]))) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  test("whose progress stands still is ended even if it writes lines", async () => {
    const { failure } = await run(`setInterval(() => console.log("still here"), 50)`, { stallMs: () => 1_000, progressOf: async () => 1 });
    expect(failure?.reason).toMatch(/^nothing happened/);
  });

  test("that makes progress without end is ended at its time limit", async () => {
    let progress = 0;
    const { failure } = await run(HANG, { stallMs: () => 1_000, timeoutMs: 1_500, progressOf: async () => (progress += 1) });
    expect(failure?.reason).toMatch(/^not done after/);
  });

  test("that ignores the request to end is killed", async () => {
    const { failure } = await run(`process.on("SIGTERM", () => {}); ${HANG}`, { stallMs: () => 600 });
    expect(failure?.reason).toMatch(/^nothing happened/);
  });
});

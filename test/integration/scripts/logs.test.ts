import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { target } from "../../../components/local";
import { tailLog } from "../../../components/local/processes/tail-log";
import { logs } from "../../../scripts/commands/logs";
import type { CommandContext } from "../../../scripts/lib/command-context";
import { createOutput } from "../../../scripts/lib/output";
import type { OutputFormat } from "../../../scripts/lib/output";

let root: string;
let paths: { log: string; oldLog: string };
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "bulkhead-logs-"));
  mkdirSync(join(root, ".bulkhead", "dev", "redis"), { recursive: true });
  paths = { log: join(root, ".bulkhead", "dev", "server.log"), oldLog: join(root, ".bulkhead", "dev", "server.log.1") };
});
afterEach(() => { rmSync(root, { recursive: true }); });

const numbered = (from: number, to: number): string => Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}\n`).join("");

async function linesOf(lines: number): Promise<string[]> {
  const found: string[] = [];
  for await (const line of tailLog(paths, { lines, follow: false })) found.push(line);
  return found;
}

/** Follows a log, and gives what was followed once `until` lines of it came. */
async function followed(until: number, lines: number, write: (index: number) => void): Promise<string[]> {
  const found: string[] = [];
  const reader = new AbortController();
  // What does not come shall fail the test, not keep it for ever.
  const signal = AbortSignal.any([reader.signal, AbortSignal.timeout(20_000)]);
  write(0);
  for await (const line of tailLog(paths, { lines, follow: true, signal })) {
    found.push(line);
    write(found.length);
    if (found.length === until) reader.abort();
  }
  return found;
}

/** A command on the local target, and what it printed. */
function command(format: OutputFormat): { context: CommandContext; stdout: string[]; interrupt: AbortController } {
  const stdout: string[] = [];
  const interrupt = new AbortController();
  const output = createOutput(format, (text) => void stdout.push(text), () => {});
  const context: CommandContext = { stack: "dev", root, config: { stack: "dev", target: "local", settings: {} }, target, catalog: () => ({ services: [] }), output, progress: () => {}, signal: interrupt.signal };
  return { context, stdout, interrupt };
}

describe("the end of a log", () => {
  test("is its last lines, the oldest first, also those that were moved aside, and never a part of a line", async () => {
    writeFileSync(paths.oldLog, numbered(1, 50));
    writeFileSync(paths.log, `${numbered(51, 60)}not yet whole`);
    expect(await linesOf(3)).toEqual(["line 58", "line 59", "line 60"]);
    expect(await linesOf(12)).toEqual(["line 49", "line 50", ...numbered(51, 60).trimEnd().split("\n")]);
    expect(await linesOf(1000)).toHaveLength(60);
    expect(await linesOf(0)).toEqual([]);
  });

  test("of a log that is not there, or is empty, is nothing", async () => {
    expect(await linesOf(10)).toEqual([]);
    writeFileSync(paths.log, "");
    expect(await linesOf(10)).toEqual([]);
  });

  test("is found in a large log without reading all of it, in lines that are longer than a piece", async () => {
    const long = "x".repeat(200_000);
    writeFileSync(paths.log, `${numbered(1, 100_000)}ü${long}\n${numbered(1, 1)}`);
    expect(await linesOf(3)).toEqual(["line 100000", `ü${long}`, "line 1"]);
  });
});

describe("following a log", () => {
  test("shows what comes, in whole lines, whatever pieces it is written in", async () => {
    writeFileSync(paths.log, `${numbered(1, 2)}be`);
    const pieces = ["", "", "ginning ü", " end\n", "", ""];
    const write = (index: number): void => { if (index === 2) for (const piece of pieces) appendFileSync(paths.log, piece); if (index === 3) appendFileSync(paths.log, "last\n"); };
    expect(await followed(4, 2, write)).toEqual(["line 1", "line 2", "beginning ü end", "last"]);
  });

  test("goes on over a trimming, with what was written just before it", async () => {
    writeFileSync(paths.log, numbered(1, 5));
    const write = (index: number): void => {
      if (index !== 1) return;
      appendFileSync(paths.log, "before\n");
      copyFileSync(paths.log, paths.oldLog);
      truncateSync(paths.log, 0);
      appendFileSync(paths.log, "after\n");
    };
    expect(await followed(3, 1, write)).toEqual(["line 5", "before", "after"]);
  });

  test("waits for a log that is not there yet", async () => {
    const appearing = setInterval(() => writeFileSync(paths.log, "first\n"), 50);
    try {
      expect(await followed(1, 10, () => {})).toEqual(["first"]);
    } finally {
      clearInterval(appearing);
    }
  });
});

describe("npx bulkhead logs", () => {
  beforeEach(() => {
    writeFileSync(paths.log, `${numbered(1, 3)}password=hunter2 of nobody\n`);
    writeFileSync(join(root, ".bulkhead", "dev", "redis", "server.log"), "Ready to accept connections\n");
  });

  test("prints the lines of Postgres, or of what is named, without secrets", async () => {
    const postgres = command("text");
    expect(await logs(postgres.context, { lines: "2" })).toBe(0);
    expect(postgres.stdout.join("")).toBe("line 3\npassword=**** of nobody\n");
    const redis = command("text");
    expect(await logs(redis.context, { lines: "100" }, "redis")).toBe(0);
    expect(redis.stdout.join("")).toBe("Ready to accept connections\n");
  });

  test("gives one object with json, and one a line with stream-json", async () => {
    const json = command("json");
    await logs(json.context, { lines: "1" });
    expect(JSON.parse(json.stdout.join(""))).toEqual({ version: 1, stack: "dev", of: "postgres", lines: ["password=**** of nobody"] });
    const stream = command("stream-json");
    await logs(stream.context, { lines: "2" });
    expect(stream.stdout.map((text) => JSON.parse(text) as unknown)).toEqual([
      { type: "result", version: 1, stack: "dev", of: "postgres", line: "line 3" },
      { type: "result", version: 1, stack: "dev", of: "postgres", line: "password=**** of nobody" },
    ]);
  });

  test("ends well when following is ended by Ctrl-C", async () => {
    const { context, stdout, interrupt } = command("text");
    const following = logs(context, { follow: true, lines: "0" });
    const writing = setInterval(() => { appendFileSync(paths.log, "new\n"); if (stdout.length > 0) interrupt.abort(new Error("Ctrl-C")); }, 20);
    try {
      expect(await following).toBe(0);
    } finally {
      clearInterval(writing);
    }
    expect(stdout[0]).toBe("new\n");
  });

  test("refuses what there is no log of, and what is no number", async () => {
    const { context } = command("text");
    await expect(logs(context, { lines: "10" }, "backend")).rejects.toMatchObject({ code: "LOG_UNKNOWN", message: expect.stringContaining("there is: postgres, redis, clickhouse") as string });
    await expect(logs(context, { lines: "many" })).rejects.toMatchObject({ code: "LINES_INVALID" });
    await expect(logs(context, { lines: "-1" })).rejects.toMatchObject({ code: "LINES_INVALID" });
    await expect(logs(command("json").context, { lines: "1", follow: true })).rejects.toMatchObject({ code: "LOGS_JSON_FOLLOW" });
  });
});

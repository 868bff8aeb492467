import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { withProcessLock } from "../../../components/local/process-lock";

let directory: string;
let path: string;
const children: ChildProcessByStdio<null, Readable, null>[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "bulkhead-lock-"));
  path = join(directory, "lock");
  writeFileSync(join(directory, "counter"), "0");
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(directory, { recursive: true });
});

function start(rounds: number, mode: "count" | "hold" = "count"): ChildProcessByStdio<null, Readable, null> {
  const child = spawn(process.execPath, ["-r", "tsx/cjs", join(__dirname, "process-lock-child.ts"), directory, String(rounds), mode], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return child;
}

const tryNow = () => withProcessLock(path, { waitMs: 0, label: "trying" }, async () => "entered");

test("never are two processes inside at once, and nobody is kept out for ever", async () => {
  const counting = [start(25), start(25), start(25), start(25)];
  for (const exit of await Promise.all(counting.map((child) => once(child, "exit")))) expect(exit).toEqual([0, null]);
  expect(readFileSync(join(directory, "counter"), "utf8")).toBe("100");
}, 60_000);

test("the lock of a killed holder is taken over by exactly one of many that wait for it", async () => {
  const holder = start(1, "hold");
  await once(holder.stdout, "data");
  const waiting = [start(5), start(5), start(5)].map((child) => once(child, "exit"));
  await expect(tryNow()).rejects.toMatchObject({ code: "LOCK_HELD" });
  holder.kill("SIGKILL");
  for (const exit of await Promise.all(waiting)) expect(exit).toEqual([0, null]);
  expect(readFileSync(join(directory, "counter"), "utf8")).toBe("15");
}, 60_000);

test("a refused caller is told who holds the lock, what for, and since when", async () => {
  await withProcessLock(path, { waitMs: 0, label: "npm run up" }, async () => {
    const lines: string[] = [];
    const refusal = withProcessLock(path, { waitMs: 120, label: "npm run down", progress: (line) => lines.push(line) }, async () => "entered");
    await expect(refusal).rejects.toMatchObject({ code: "LOCK_HELD", message: expect.stringMatching(new RegExp(`process ${process.pid} \\(npm run up\\), since \\d{4}-`)) as string });
    expect(lines).toHaveLength(1);
  });
  expect(await tryNow()).toBe("entered");
});

test("a holder whose number was given to another process since is no holder", async () => {
  await tryNow();
  const file = join(directory, readdirSync(directory).filter((name) => name.startsWith("lock.")).sort().at(-1) ?? "");
  const marker = JSON.parse(readFileSync(file, "utf8")) as object;
  writeFileSync(file, JSON.stringify({ ...marker, released: false }));
  await expect(tryNow()).rejects.toMatchObject({ code: "LOCK_HELD" });
  writeFileSync(file, JSON.stringify({ ...marker, released: false, startIdentity: "another boot:1" }));
  expect(await tryNow()).toBe("entered");
});

test("a lock file of nonsense is free", async () => {
  for (const [number, text] of ["", "{", "[]", '{"pid": "x"}', '{"pid": -1}'].entries()) {
    writeFileSync(`${path}.${1000 + number * 10}`, text);
    expect(await tryNow()).toBe("entered");
  }
});

test("the lock is free after an error inside, and waiting ends when aborted", async () => {
  await expect(withProcessLock(path, { waitMs: 0, label: "failing" }, async () => { throw new Error("inside"); })).rejects.toThrow("inside");
  await withProcessLock(path, { waitMs: 0, label: "holding" }, async () => {
    const interruption = new AbortController();
    const waiting = withProcessLock(path, { waitMs: 60_000, label: "waiting", signal: interruption.signal, progress: () => interruption.abort(new Error("interrupted")) }, async () => "entered");
    await expect(waiting).rejects.toThrow(/interrupted|aborted/);
  });
});

test("files do not pile up", async () => {
  for (let round = 0; round < 20; round++) await tryNow();
  expect(readdirSync(directory).filter((name) => name !== "counter").length).toBeLessThanOrEqual(2);
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { disownPidFile, parsePidFile } from "../../../components/local/server/pid-file";
import fc from "../../support/fast-check";

const READY = "4711\n/srv/shop/.bulkhead/dev/data\n1790000000\n5432\n\n127.0.0.1\n  5432001    163840\nready   \n";

test("a complete file gives process, port and status", () => {
  expect(parsePidFile(READY)).toEqual({ pid: 4711, port: 5432, status: "ready" });
});

test("a single-user server's negative number is its process", () => {
  expect(parsePidFile("-4711\n/data\n1790000000\n0\n")).toEqual({ pid: 4711, port: undefined, status: undefined });
});

test("cut anywhere it gives the process number as far as written, or nothing, and never throws", () => {
  fc.assert(fc.property(fc.nat(READY.length), (length) => {
    const parsed = parsePidFile(READY.slice(0, length));
    if (parsed !== undefined) expect("4711".startsWith(String(parsed.pid))).toBe(true);
  }));
});

test("any other text gives nothing or a positive process number", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    const parsed = parsePidFile(text);
    if (parsed !== undefined) expect(parsed.pid).toBeGreaterThan(0);
  }));
});

test("disowning changes the process number to one that nobody has, and keeps the shared-memory key", () => {
  const directory = mkdtempSync(join(tmpdir(), "bulkhead-pid-"));
  try {
    writeFileSync(join(directory, "postmaster.pid"), READY);
    disownPidFile(directory);
    const text = readFileSync(join(directory, "postmaster.pid"), "utf8");
    expect(text.split("\n").slice(1)).toEqual(READY.split("\n").slice(1));
    const parsed = parsePidFile(text);
    expect(() => process.kill(parsed?.pid ?? 1, 0)).toThrow(expect.objectContaining({ code: "ESRCH" }) as Error);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

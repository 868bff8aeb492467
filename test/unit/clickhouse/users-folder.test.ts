import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { usersFolder } from "../../../manager/src/clickhouse/users-folder";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bulkhead-users-d-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (): string => join(folder, "users.d", "bulkhead.xml");
const users = () => usersFolder(join(folder, "users.d"));

it("reads nothing where there is nothing, and makes the folder for what is written", async () => {
  expect(await users().readUsers()).toBeUndefined();
  expect(await users().readToken()).toBeNull();
  expect(await users().foreignFiles()).toEqual([]);
  await users().writeUsers("<clickhouse/>");
  await users().writeToken("first");
  expect(await users().readUsers()).toBe("<clickhouse/>");
  expect(await users().readToken()).toBe("first");
  expect(await users().foreignFiles()).toEqual([]);
});

it("gives every change a later second, also a second one within the same, since servers look at whole seconds", async () => {
  const seconds: number[] = [];
  for (let change = 0; change < 3; change += 1) {
    await users().writeUsers(`<clickhouse>${change}</clickhouse>`);
    seconds.push(Math.floor(statSync(file()).mtimeMs / 1000));
  }
  expect(seconds[1]).toBeGreaterThan(seconds[0]!);
  expect(seconds[2]).toBeGreaterThan(seconds[1]!);
  // Somebody's clock was ahead.
  utimesSync(file(), 4_000_000_000, 4_000_000_000);
  await users().writeUsers("<clickhouse>later</clickhouse>");
  expect(statSync(file()).mtimeMs).toBe(4_000_000_001_000);
});

it("can be read by the server whatever the umask is, and leaves no draft behind", async () => {
  const umask = process.umask(0o077);
  try {
    await users().writeUsers("<clickhouse/>");
  } finally {
    process.umask(umask);
  }
  expect(statSync(file()).mode & 0o777).toBe(0o644);
  expect(readdirSync(join(folder, "users.d"))).toEqual(["bulkhead.xml"]);
});

it("names the files of others that a server reads, and no others", async () => {
  await users().writeUsers("<clickhouse/>");
  await users().writeToken("first");
  for (const name of ["zz.xml", "admin.yaml", "old.conf", "note.txt", "bulkhead.xml.1.partial"]) writeFileSync(join(folder, "users.d", name), "");
  expect(await users().foreignFiles()).toEqual(["admin.yaml", "old.conf", "zz.xml"]);
});

it("says which folder it cannot write to, and how to look", async () => {
  writeFileSync(join(folder, "users.d"), "a file in the folder's place");
  await expect(users().writeUsers("<clickhouse/>")).rejects.toMatchObject({ code: "CLICKHOUSE_FILES", message: expect.stringContaining(join(folder, "users.d")) as string });
  rmSync(join(folder, "users.d"));
  mkdirSync(file(), { recursive: true });
  await expect(users().writeUsers("<clickhouse/>")).rejects.toMatchObject({ code: "CLICKHOUSE_FILES" });
  expect(readdirSync(join(folder, "users.d"))).toEqual(["bulkhead.xml"]);
});

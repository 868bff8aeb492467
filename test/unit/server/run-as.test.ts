import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canReach, chooseIdentities, findUser, mayDo } from "../../../components/local/server/run-as";

const PASSWD = ["root:x:0:0:root:/root:/bin/bash", "toor:x:0:0::/root:/bin/sh", "nobody:x:65534:65534::/:/bin/false", "postgres:x:101:103::/var/lib/postgresql:/bin/sh", "broken"].join("\n");

test("users are found by name, with their group, but never root under any name", () => {
  expect(findUser(PASSWD, "postgres")).toEqual({ uid: 101, gid: 103 });
  expect(findUser(PASSWD, "toor")).toBeUndefined();
  expect(findUser(PASSWD, "broken")).toBeUndefined();
  expect(findUser(PASSWD, "nobod")).toBeUndefined();
});

test.each([
  ["the owner", { uid: 7, gid: 1 }, 0o700, true],
  ["the owner, shut out although others are not", { uid: 7, gid: 8 }, 0o077, false],
  ["a member of the group", { uid: 1, gid: 8 }, 0o050, true],
  ["a member of the group, shut out although others are not", { uid: 1, gid: 8 }, 0o705, false],
  ["anybody else", { uid: 1, gid: 1 }, 0o005, true],
  ["anybody else, shut out", { uid: 1, gid: 1 }, 0o770, false],
])("permission bits are read for %s", (_who, owner, mode, allowed) => {
  expect(mayDo({ uid: 7, gid: 8, mode }, owner, 0o5)).toBe(allowed);
});

test("a path is out of reach when any folder above it is closed", () => {
  const root = mkdtempSync(join(tmpdir(), "bulkhead-reach-"));
  try {
    const inner = join(root, "a", "b");
    mkdirSync(inner, { recursive: true });
    writeFileSync(join(inner, "file"), "");
    for (const place of [root, join(root, "a"), inner]) chmodSync(place, 0o755);
    const stranger = { uid: 4_000_000, gid: 4_000_000 };
    expect(canReach(join(inner, "file"), stranger)).toBe(true);
    chmodSync(join(root, "a"), 0o700);
    expect(canReach(join(inner, "file"), stranger)).toBe(false);
    chmodSync(join(root, "a"), 0o711);
    expect(canReach(inner, stranger)).toBe(true);
    chmodSync(inner, 0o711);
    expect(canReach(inner, stranger)).toBe(false);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("an ordinary user runs everything as itself, and root never runs Postgres as root", () => {
  const { server, files } = chooseIdentities(tmpdir(), join(tmpdir(), "no-such-data"));
  if (process.getuid?.() === 0) expect(server?.uid).toBeGreaterThan(0);
  else expect([server, files]).toEqual([undefined, undefined]);
});

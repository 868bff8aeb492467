import { diskError, lastLines, unknownUser } from "../../../components/local/server/server-errors";

const withCode = (code: string) => Object.assign(new Error("x"), { code, path: "/somewhere" });

test.each([
  ["SERVER_DISK_FULL", withCode("ENOSPC")],
  ["SERVER_DISK_FULL", withCode("EDQUOT")],
  ["SERVER_DISK_FULL", 'PANIC:  could not write to file "pg_wal/xlogtemp.29": No space left on device'],
  ["SERVER_DISK_FULL", 'FATAL:  could not extend file "base/1/2691": wrote only 4096 of 8192 bytes at block 14\nHINT:  Check free disk space.'],
  ["SERVER_DISK_READ_ONLY", withCode("EROFS")],
  ["SERVER_DISK_READ_ONLY", 'FATAL:  could not create lock file "postmaster.pid": Read-only file system'],
  ["SERVER_DISK_DENIED", withCode("EACCES")],
  ["SERVER_DISK_DENIED", 'initdb: error: could not create directory "/x": Permission denied'],
])("%s is recognised in %s", (code, thrown) => {
  const error = diskError(thrown, "The server could not start");
  expect(error).toMatchObject({ code, message: expect.stringMatching(/^The server could not start: /) as string, hint: expect.any(String) as string });
});

test("other trouble is no disk error", () => {
  for (const thrown of [withCode("ECONNREFUSED"), "FATAL:  database files are incompatible with server", new Error("x"), undefined]) expect(diskError(thrown, "It")).toBeUndefined();
});

test("a user without a name is recognised, with its number", () => {
  expect(unknownUser("initdb: could not look up effective user ID 1000870000: user does not exist")?.message).toContain("1000870000");
  expect(unknownUser("initdb: error: directory exists")).toBeUndefined();
});

test("quoted output is cut to its end and holds no secret", () => {
  const text = [...Array.from({ length: 20 }, (_, i) => `line ${i}`), "connection to postgresql://a:hunter2@h/db failed", "SCRAM-SHA-256$4096:abc$def:ghi", ""].join("\n");
  expect(lastLines(text, 3)).toBe("  line 19\n  connection to postgresql://a:****@h/db failed\n  ****");
});

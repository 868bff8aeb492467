import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stopServer } from "../../../components/local/server/server";
import type { Stack } from "./stack";
import { makeStack } from "./stack";

const isRoot = process.getuid?.() === 0;
const whenRoot = isRoot && canMount() ? test : test.skip;
const whenNotRoot = isRoot ? test.skip : test;

let stack: Stack;
const stop = () => stopServer({ directory: stack.directory, progress: () => undefined });

beforeEach(async () => { stack = await makeStack(); });
afterEach(async () => { await stack.remove(); });

function canMount(): boolean {
  const place = join("/tmp", `bulkhead-mount-${process.pid}`);
  mkdirSync(place);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", place], { stdio: "ignore" });
    execFileSync("umount", [place], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(place, { recursive: true });
  }
}

async function withDisk(sizeMegabytes: number, fn: (disk: string) => Promise<void>): Promise<void> {
  mkdirSync(stack.directory, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMegabytes}m,mode=755`, "tmpfs", stack.directory]);
  try {
    await fn(stack.directory);
  } finally {
    await stop().catch(() => undefined);
    execFileSync("umount", ["-l", stack.directory]);
  }
}

test("data of another major version is refused with what to do, and left as it is", async () => {
  await stack.ensure();
  await stop();
  writeFileSync(join(stack.data, "PG_VERSION"), "16\n");
  await expect(stack.ensure()).rejects.toMatchObject({ code: "SERVER_DATA_VERSION", message: expect.stringContaining("PostgreSQL 16") as string, hint: expect.stringContaining("mv '") as string });
  expect(readFileSync(join(stack.data, "PG_VERSION"), "utf8")).toBe("16\n");
  writeFileSync(join(stack.data, "PG_VERSION"), "17\n");
  expect((await stack.ensure()).initialised).toBe(false);
});

test("a folder of somebody else's files in the data directory's place is refused and left as it is", async () => {
  mkdirSync(stack.data, { recursive: true });
  writeFileSync(join(stack.data, "holiday.jpg"), "beach");
  await expect(stack.ensure()).rejects.toMatchObject({ code: "SERVER_DATA_NOT_POSTGRES" });
  expect(readdirSync(stack.data)).toEqual(["holiday.jpg"]);
});

test("a file in the data directory's place is refused and left as it is", async () => {
  mkdirSync(stack.directory, { recursive: true });
  writeFileSync(stack.data, "notes");
  await expect(stack.ensure()).rejects.toMatchObject({ code: "SERVER_DATA_NOT_POSTGRES" });
  expect(readFileSync(stack.data, "utf8")).toBe("notes");
  rmSync(stack.data);
});

test("data that lost its control file is refused and left as it is", async () => {
  await stack.ensure();
  await stop();
  rmSync(join(stack.data, "global", "pg_control"));
  await expect(stack.ensure()).rejects.toMatchObject({ code: "SERVER_DATA_DAMAGED" });
  expect(existsSync(join(stack.data, "PG_VERSION"))).toBe(true);
});

test("data that Postgres refuses to start with is reported with the end of the log", async () => {
  await stack.ensure();
  await stop();
  truncateSync(join(stack.data, "global", "pg_control"), 16);
  await expect(stack.ensure()).rejects.toMatchObject({ code: "SERVER_START_FAILED", message: expect.stringContaining("pg_control") as string });
});

test("an empty data directory, and what a killed initdb left, are no obstacle", async () => {
  mkdirSync(stack.data, { recursive: true });
  mkdirSync(`${stack.data}.partial.0123abcd/base`, { recursive: true });
  writeFileSync(`${stack.data}.partial.0123abcd/PG_VERSION`, "17\n");
  expect((await stack.ensure()).initialised).toBe(true);
  expect(readdirSync(stack.directory).filter((name) => name.startsWith("data"))).toEqual(["data"]);
});

whenRoot("a disk too small for the data directory is named, and leaves nothing behind", async () => {
  await withDisk(20, async (disk) => {
    await expect(stack.ensure()).rejects.toMatchObject({ code: "SERVER_DISK_FULL" });
    expect(readdirSync(disk).filter((name) => name.startsWith("data"))).toEqual([]);
  });
});

whenRoot("a disk that fills up while the server is stopped is named, and once there is room all data is there", async () => {
  await withDisk(120, async (disk) => {
    const first = await stack.ensure();
    await stack.ask("CREATE SCHEMA kept");
    await stop();
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(join(disk, "filler"), Buffer.alloc(Number(bavail) * Number(bsize)));
    await expect(stack.ensure()).rejects.toMatchObject({ code: "SERVER_DISK_FULL" });
    rmSync(join(disk, "filler"));
    expect((await stack.ensure()).systemIdentifier).toBe(first.systemIdentifier);
    expect(await stack.ask("SELECT count(*)::int FROM pg_namespace WHERE nspname = 'kept'")).toBe(1);
  });
});

whenRoot("a read-only disk is named", async () => {
  await withDisk(120, async (disk) => {
    await stack.ensure();
    await stop();
    execFileSync("mount", ["-o", "remount,ro", disk]);
    await expect(stack.ensure()).rejects.toMatchObject({ code: "SERVER_DISK_READ_ONLY" });
    execFileSync("mount", ["-o", "remount,rw", disk]);
    expect((await stack.ensure()).initialised).toBe(false);
  });
});

whenNotRoot("a checkout that may not be written is named", async () => {
  chmodSync(dirname(dirname(stack.directory)), 0o555);
  await expect(stack.ensure()).rejects.toMatchObject({ code: "SERVER_DISK_DENIED" });
  chmodSync(dirname(dirname(stack.directory)), 0o755);
});

test("a folder in the place of one of the server's own files is named", async () => {
  mkdirSync(join(stack.directory, "port", "x"), { recursive: true });
  await expect(stack.ensure()).rejects.toMatchObject({ code: "SERVER_FILE_UNUSABLE", message: expect.stringContaining("port") as string });
  rmSync(join(stack.directory, "port"), { recursive: true });
  expect((await stack.ensure()).started).toBe(true);
});

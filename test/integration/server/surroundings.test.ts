import { chownSync, existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { isProcessAlive } from "../../../components/local/server/running-process";
import { destroyServer, serverStatus, stopServer } from "../../../components/local/server/server";
import { ensureInChild } from "./children";
import type { Stack } from "./stack";
import { makeStack } from "./stack";

const whenRoot = process.getuid?.() === 0 ? test : test.skip;
/** `daemon`, which every Linux has, and nobody runs Postgres as. */
const ORDINARY_UID = 1;
/** A number that no system gives a name to. */
const NAMELESS_UID = 54_321;

const stacks: Stack[] = [];
async function newStack(options?: Parameters<typeof makeStack>[0]): Promise<Stack> {
  const stack = await makeStack(options);
  stacks.push(stack);
  return stack;
}
afterEach(async () => { for (const stack of stacks.splice(0)) await stack.remove(); });

const stop = (stack: Stack) => stopServer({ directory: stack.directory, progress: () => undefined });
const userOf = (pid: number) => statSync(`/proc/${pid}`).uid;

test.each(["with space", "ünïcödé 日本", "it's \"quoted\" $HOME `x` %s \\ back"])("a checkout in a folder named %s works", async (subfolder) => {
  const stack = await newStack({ subfolder });
  await stack.ensure();
  expect(await stack.ask("SELECT current_user::text")).toBe("bulkhead_admin");
  await stop(stack);
  expect((await stack.ensure()).initialised).toBe(false);
});

test("nothing of the caller's environment reaches the server: PG* variables, locale, time zone, temporary folder, home", async () => {
  const stack = await newStack();
  const env = {
    PATH: process.env["PATH"],
    LANG: "xx_YY.KOI8-R", LC_ALL: "nonsense", LC_MESSAGES: "ja_JP.eucJP", TZ: "Mars/Olympus",
    PGHOST: "/nowhere", PGPORT: "1", PGUSER: "nobody", PGPASSWORD: "wrong", PGDATABASE: "none", PGSSLMODE: "disable", PGOPTIONS: "-c nonsense=1", PGDATA: "/nowhere", PGCLIENTENCODING: "SQL_ASCII", PGTZ: "Mars/Olympus", PGSSLROOTCERT: "/nowhere", PGAPPNAME: "x", PGSERVICE: "none", PGREQUIREAUTH: "none", PGCONNECT_TIMEOUT: "nonsense",
    POSTGRES_PASSWORD: "wrong", DATABASE_URL: "postgresql://wrong",
  };
  const { server, error } = await ensureInChild(stack.options, { env }).result;
  expect(error).toBeUndefined();
  expect((await ensureInChild(stack.options, { env }).result).server).toEqual({ ...server, started: false, initialised: false });
  expect(await stack.ask("SELECT current_setting('timezone') || ' ' || current_setting('lc_messages') || ' ' || current_setting('log_timezone')")).toBe("UTC C UTC");
  const environment = readFileSync(`/proc/${server?.pid}/environ`, "utf8").split("\0").filter((line) => line !== "" && !line.startsWith("PG_GRANDPARENT_PID"));
  expect(environment.map((line) => line.split("=")[0]).sort()).toEqual(["LC_ALL", "PATH", "TZ"]);
});

test("a careless or a strict umask changes no file mode", async () => {
  const stack = await newStack();
  const before = process.umask(0);
  try {
    await stack.ensure();
  } finally {
    process.umask(before);
  }
  const mode = (path: string) => (statSync(join(stack.directory, path)).mode & 0o777).toString(8);
  expect([mode("data"), mode("secrets"), mode("secrets/admin.json"), mode("tls/server.key"), mode("tls/ca.crt"), mode("server.log")]).toEqual(["700", "700", "600", "600", "644", "600"]);
});

whenRoot("for an ordinary user everything belongs to that user and runs as that user", async () => {
  const stack = await newStack();
  chownSync(stack.checkout, ORDINARY_UID, ORDINARY_UID);
  const { server, error } = await ensureInChild(stack.options, { uid: ORDINARY_UID, env: { PATH: process.env["PATH"], TMPDIR: stack.checkout } }).result;
  expect(error).toBeUndefined();
  expect(userOf(server?.pid ?? 0)).toBe(ORDINARY_UID);
  expect(statSync(stack.data).uid).toBe(ORDINARY_UID);
});

whenRoot("root in an ordinary user's checkout runs Postgres as that user, who can go on without root", async () => {
  const stack = await newStack();
  chownSync(stack.checkout, ORDINARY_UID, ORDINARY_UID);
  const first = await stack.ensure();
  expect(userOf(first.pid)).toBe(ORDINARY_UID);
  const asUser = await ensureInChild(stack.options, { uid: ORDINARY_UID, env: { PATH: process.env["PATH"], TMPDIR: stack.checkout } }).result;
  expect(asUser).toMatchObject({ server: { pid: first.pid, started: false } });
  await stop(stack);
  const again = await ensureInChild(stack.options, { uid: ORDINARY_UID, env: { PATH: process.env["PATH"], TMPDIR: stack.checkout } }).result;
  expect(again).toMatchObject({ server: { started: true, initialised: false, port: first.port } });
});

whenRoot("root in a checkout of a user whom the machine does not know runs Postgres as another one, and leaves secrets to the owner", async () => {
  const stack = await newStack();
  chownSync(stack.checkout, NAMELESS_UID, NAMELESS_UID);
  const server = await stack.ensure();
  expect([0, NAMELESS_UID]).not.toContain(userOf(server.pid));
  expect(statSync(join(stack.directory, "secrets", "admin.json")).uid).toBe(NAMELESS_UID);
});

whenRoot("a user without a name is told what Postgres lacks", async () => {
  const stack = await newStack();
  chownSync(stack.checkout, NAMELESS_UID, NAMELESS_UID);
  const { error } = await ensureInChild(stack.options, { uid: NAMELESS_UID, env: { PATH: process.env["PATH"], TMPDIR: stack.checkout } }).result;
  expect(error?.code).toBe("SERVER_USER_UNKNOWN");
});

whenRoot("another user is told that data and server are not theirs", async () => {
  const stack = await newStack();
  const { pid } = await stack.ensure();
  const { error } = await ensureInChild(stack.options, { uid: ORDINARY_UID, env: { PATH: process.env["PATH"], TMPDIR: "/tmp" } }).result;
  expect(error?.code).toBe("SERVER_DISK_DENIED");
  expect(isProcessAlive(pid)).toBe(true);
});

whenRoot("in a checkout that Postgres' user cannot reach, data is kept elsewhere and is found again", async () => {
  const stack = await newStack({ mode: 0o700 });
  const first = await stack.ensure();
  expect(stack.progress.join()).toContain("keeping the data in /var/lib/bulkhead/");
  expect(lstatSync(stack.data).isSymbolicLink()).toBe(true);
  expect(userOf(first.pid)).not.toBe(0);
  await stack.ask("CREATE SCHEMA kept");
  expect((await stack.ensure()).started).toBe(false);
  expect(serverStatus(stack)).toMatchObject({ running: true, systemIdentifier: first.systemIdentifier });

  // .bulkhead removed while the server runs: its data is taken up again, with everything around it made anew.
  rmSync(join(stack.checkout, ".bulkhead"), { recursive: true });
  expect(await stack.ensure()).toMatchObject({ initialised: false, systemIdentifier: first.systemIdentifier });
  expect(stack.progress.join()).toContain("taking up the data");
  expect(await stack.ask("SELECT count(*)::int FROM pg_namespace WHERE nspname = 'kept'")).toBe(1);

  const external = dirname(readlinkSync(stack.data));
  await stack.remove();
  stacks.length = 0;
  expect(existsSync(external)).toBe(false);
});

whenRoot("a checkout that was moved keeps its data, and a new one in its old place does not get it", async () => {
  const stack = await newStack({ mode: 0o700, subfolder: "first" });
  const first = await stack.ensure();
  await stop(stack);
  const moved = join(dirname(stack.checkout), "second");
  renameSync(stack.checkout, moved);
  const directory = join(moved, ".bulkhead", "dev");
  expect(await stack.ensure({ directory })).toMatchObject({ initialised: false, systemIdentifier: first.systemIdentifier });
  mkdirSync(stack.checkout);
  const other = await stack.ensure({ preferredPort: first.port + 1 });
  expect(other.systemIdentifier).not.toBe(first.systemIdentifier);
  await destroyServer({ directory, progress: () => undefined });
});

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { migrate, migrationStatus, rollbackMigration } from "../../../manager/src/migrate";
import type { MigrateOptions } from "../../../manager/src/migrate";
import { lockKey } from "../../../manager/src/migrate/lock";
import { startTestServer } from "../../support/server";
import type { TestServer } from "../../support/server";
import { Folders, createCompartment, withClient } from "./compartment";
import type { Compartment } from "./compartment";

let server: TestServer;
let number = 0;
const folders = new Folders();
const children: ChildProcess[] = [];

async function fresh(files: Readonly<Record<string, string | null>>): Promise<Compartment & { options: MigrateOptions; directory: string; lines: string[] }> {
  const compartment = await createCompartment(server, `c${++number}`);
  const directory = await folders.make(files);
  const lines: string[] = [];
  const { service, owner } = compartment;
  return { ...compartment, directory, lines, options: { client: compartment.migrator(), service, owner, directory, progress: (line) => lines.push(line) } };
}

/** Starts `migrate` in a process of its own. */
async function startProcess(options: MigrateOptions): Promise<{ child: ChildProcess; output: Promise<string> }> {
  const optionsFile = join(folders.root, `options-${++number}.json`);
  await writeFile(optionsFile, JSON.stringify(options));
  const child = spawn(process.execPath, ["-r", "tsx/cjs", join(__dirname, "migrator-process.ts"), optionsFile], { cwd: resolve(__dirname, "../../.."), stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: once(child, "close").then(() => text) };
}

/** Waits until a session of the migrator sleeps in SQL. Only as the login itself does one see what its sessions wait for. */
async function untilItSleeps(it: Compartment): Promise<void> {
  await withClient(it.migrator(), async (client) => {
    await client.query("SET ROLE NONE");
    for (let tries = 0; tries < 600; tries++) {
      if ((await client.query("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'")).rows.length > 0) return;
      await sleep(50);
    }
    throw new Error("it never came to sleep");
  });
}

beforeAll(async () => {
  server = await startTestServer({ name: "concurrency", maxConnections: 80 });
});

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  folders.remove();
  await server?.stop();
});

const CONCURRENT = {
  "001_a.sql": "CREATE TABLE t (id int, v text); INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, 2000) AS i",
  "002_b.sql": "-- bulkhead: no-transaction\nCREATE INDEX CONCURRENTLY i1 ON t (id);\nCREATE UNIQUE INDEX CONCURRENTLY i2 ON t (v)",
  "003_c.sql": "ALTER TABLE t ADD w int",
};

test("four migrators at once, with CREATE INDEX CONCURRENTLY: one does the work, the others find it done", async () => {
  const it = await fresh(CONCURRENT);
  const results = await Promise.all([1, 2, 3, 4].map(() => migrate(it.options)));
  expect(results.map(({ schemaVersion }) => schemaVersion)).toEqual([3, 3, 3, 3]);
  expect(results.map(({ applied }) => applied.length).sort()).toEqual([0, 0, 0, 3]);
  expect(await migrationStatus(it.options)).toMatchObject({ ok: true });
});

test("two migrators in two processes do the work once", async () => {
  const it = await fresh(CONCURRENT);
  const processes = [await startProcess(it.options), await startProcess(it.options)];
  expect((await Promise.all(processes.map(({ output }) => output))).sort()).toEqual(["[1,2,3]", "[]"]);
});

test("a rollback and a migrate at once both end, one after the other", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a ()", "001_a.rollback.sql": "DROP TABLE a", "002_b.sql": "CREATE TABLE b ()", "002_b.rollback.sql": "DROP TABLE b" });
  await migrate(it.options);
  await Promise.all([rollbackMigration(it.options), migrate(it.options), rollbackMigration(it.options), migrate(it.options)]);
  await migrate(it.options);
  expect(await migrationStatus(it.options)).toMatchObject({ ok: true, schemaVersion: 2 });
});

test("a lock that is never given back is waited for within bounds, and its holder is named", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a ()" });
  await withClient({ ...it.migrator(), application_name: "someone else's session" }, async (holder) => {
    await holder.query("SELECT pg_advisory_lock($1)", [lockKey(`${it.service}_db`)]);
    const { rows } = await holder.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    await expect(migrate({ ...it.options, lockWaitMs: 300 })).rejects.toMatchObject({
      code: "MIGRATION_LOCK_HELD",
      message: expect.stringMatching(new RegExp(`${it.service}_migrator with process id ${rows[0]!.pid}, someone else's session`)) as string,
    });
    expect(it.lines[0]).toContain("waiting for the migration lock, held by");
  });
  expect(await migrate(it.options)).toMatchObject({ schemaVersion: 1 });
});

test("a table's lock that is not to be had in time is tried for again", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a ()" });
  await migrate(it.options);
  await folders.write(it.directory, { "002_b.sql": "CREATE TABLE b (); ALTER TABLE a ADD b int" });
  await withClient(it.migrator(), async (holder) => {
    await holder.query("BEGIN; LOCK TABLE a");
    const running = migrate({ ...it.options, lockTimeoutMs: 50, progress: (line) => it.lines.push(line) });
    while (!it.lines.some((line) => line.includes("attempt 2 of 5"))) await sleep(10);
    await holder.query("COMMIT");
    expect(await running).toMatchObject({ schemaVersion: 2 });
  });
});

test("it gives up after five tries, with nothing changed", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a ()" });
  await migrate(it.options);
  await folders.write(it.directory, { "002_b.sql": "CREATE TABLE b ();\nALTER TABLE a ADD b int" });
  await withClient(it.migrator(), async (holder) => {
    await holder.query("BEGIN; LOCK TABLE a");
    await expect(migrate({ ...it.options, lockTimeoutMs: 20 })).rejects.toMatchObject({ code: "MIGRATION_FAILED", message: expect.stringMatching(/002_b\.sql:2: .*55P03/) as string });
  });
  expect(await it.query("SELECT to_regclass('b') AS b")).toEqual([{ b: null }]);
});

// Sleeps only while there is a table `slow`, so that the same file passes in the second run.
const SLOW = "DO $$ BEGIN IF to_regclass('public.slow') IS NOT NULL THEN PERFORM pg_sleep(120); END IF; END $$";

test("kill -9 of the migrator: its transaction ends, the lock is free, and the next run converges", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a ()" });
  await migrate(it.options);
  await it.query("CREATE TABLE slow ()");
  await folders.write(it.directory, { "002_b.sql": `CREATE TABLE b ();\n${SLOW}` });
  const { child, output } = await startProcess(it.options);
  await untilItSleeps(it);
  child.kill("SIGKILL");
  await output;
  await it.query("DROP TABLE slow");
  // Within a bound that is far below the sleep: the server has noticed that nobody is there any more.
  expect(await migrate({ ...it.options, lockWaitMs: 30_000 })).toMatchObject({ applied: [{ version: 2 }], schemaVersion: 2 });
});

test("kill -9 in a migration without transaction: what had run is not run again", async () => {
  const it = await fresh({ "001_a.sql": `-- bulkhead: no-transaction\nCREATE TABLE once ();\n${SLOW};\nCREATE TABLE twice ()` });
  await it.query("CREATE TABLE slow ()");
  const { child, output } = await startProcess(it.options);
  await untilItSleeps(it);
  expect((await migrationStatus(it.options)).migrations).toMatchObject([{ state: "failed", detail: expect.stringContaining("interrupted") as string }]);
  child.kill("SIGKILL");
  await output;
  await it.query("DROP TABLE slow");
  expect(await migrate({ ...it.options, lockWaitMs: 30_000 })).toMatchObject({ schemaVersion: 1 });
  expect(it.lines.join("\n")).toContain("going on with statement 2 of 3");
});

test("an abort ends the statement that runs, and rolls back", async () => {
  const it = await fresh({ "001_a.sql": `CREATE TABLE a ();\n${SLOW}` });
  await it.query("CREATE TABLE slow ()");
  const controller = new AbortController();
  const running = migrate({ ...it.options, signal: controller.signal });
  const outcome = running.catch((error: unknown) => error);
  await untilItSleeps(it);
  controller.abort();
  expect(await outcome).toMatchObject({ code: "MIGRATION_ABORTED" });
  await it.query("DROP TABLE slow");
  expect(await it.query("SELECT to_regclass('a') AS a")).toEqual([{ a: null }]);
  expect(await migrate({ ...it.options, lockWaitMs: 30_000 })).toMatchObject({ schemaVersion: 1 });
  await expect(migrate({ ...it.options, signal: controller.signal })).rejects.toMatchObject({ code: "MIGRATION_ABORTED" });
});

test("a session that is terminated in the middle is an error that can be run again", async () => {
  const it = await fresh({ "001_a.sql": `CREATE TABLE a ();\n${SLOW}` });
  await it.query("CREATE TABLE slow ()");
  const outcome = migrate(it.options).catch((error: unknown) => error);
  await untilItSleeps(it);
  // The owner may not signal the migrator's sessions: its login may.
  await withClient({ ...it.migrator() }, async (client) => {
    await client.query("SET ROLE NONE");
    await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()");
  });
  expect(await outcome).toMatchObject({ code: "MIGRATION_FAILED" });
  await it.query("DROP TABLE slow");
  expect(await migrate(it.options)).toMatchObject({ schemaVersion: 1 });
  expect(await readFile(join(it.directory, "001_a.sql"), "utf8")).toContain("pg_sleep");
});

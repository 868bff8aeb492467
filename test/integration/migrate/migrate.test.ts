import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { migrate, migrationStatus, rollbackMigration } from "../../../manager/src/migrate";
import type { MigrateOptions } from "../../../manager/src/migrate";
import { startTestServer } from "../../support/server";
import type { TestServer } from "../../support/server";
import { Folders, createCompartment, withClient } from "./compartment";
import type { Compartment } from "./compartment";

let server: TestServer;
let number = 0;
const folders = new Folders();

/** A compartment of its own for each test, and how to migrate it. */
async function fresh(files: Readonly<Record<string, string | null>>): Promise<Compartment & { options: MigrateOptions; directory: string; lines: string[] }> {
  const compartment = await createCompartment(server, `m${++number}`);
  const directory = await folders.make(files);
  const lines: string[] = [];
  const { service, owner, readers } = compartment;
  return { ...compartment, directory, lines, options: { client: compartment.migrator(), service, owner, readers, directory, progress: (line) => lines.push(line) } };
}

const thrown = (promise: Promise<unknown>): Promise<{ code: string; message: string; hint: string }> =>
  promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: { code: string; message: string; hint: string }) => error,
  );

const tables = (compartment: Compartment): Promise<string[]> =>
  compartment.query<{ name: string }>("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").then((rows) => rows.map(({ name }) => name));

beforeAll(async () => {
  server = await startTestServer({ name: "migrate" });
});

afterAll(async () => {
  folders.remove();
  await server?.stop();
});

test("pending migrations are applied in order as the owner, and a second run has nothing to do", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a (id int);", "002_b.sql": "ALTER TABLE a ADD b text; CREATE TABLE b (id int)" });
  const first = await migrate(it.options);
  expect(first).toMatchObject({ applied: [{ version: 1, name: "a" }, { version: 2, name: "b" }], schemaVersion: 2 });
  expect(await migrate(it.options)).toMatchObject({ applied: [], schemaVersion: 2 });
  expect(await it.query("SELECT DISTINCT tableowner AS owner FROM pg_tables WHERE schemaname IN ('public', 'migrations')")).toEqual([{ owner: it.owner }]);
  expect(await migrationStatus(it.options)).toMatchObject({ ok: true, schemaVersion: 2, invalidIndexes: [], migrations: [{ state: "applied", detail: null }, { state: "applied" }] });
});

test("an empty folder is version 0 and leaves no trace", async () => {
  const it = await fresh({});
  expect(await migrate(it.options)).toMatchObject({ applied: [], schemaVersion: 0 });
  expect(await it.query("SELECT 1 AS found FROM pg_namespace WHERE nspname = 'migrations'")).toEqual([]);
});

test("app and readonly login can read the history and cannot change it, whatever the default privileges say", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a (id int);" });
  await migrate(it.options);
  for (const role of [`${it.service}_user`, `${it.service}_readonly`]) {
    await withClient(it.login(role), async (client) => {
      expect((await client.query("SELECT version FROM migrations.history")).rows).toEqual([{ version: "1" }]);
      for (const sql of ["DELETE FROM migrations.history", "UPDATE migrations.history SET name = ''", "INSERT INTO migrations.history (version) VALUES (9)", "TRUNCATE migrations.history", "CREATE TABLE migrations.x ()"]) {
        await expect(client.query(sql)).rejects.toMatchObject({ code: "42501" });
      }
    });
  }
});

test("an error in the third statement of the second migration names file and line, leaves the first one, and status tells it", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a (id int);", "002_b.sql": "CREATE TABLE b (id int);\n-- ü 😀\nINSERT INTO b VALUES (1);\n\nSELECT '😀',\n  1 FRM b;\nCREATE TABLE c ();" });
  const error = await thrown(migrate(it.options));
  expect(error.code).toBe("MIGRATION_FAILED");
  expect(error.message).toMatch(/002_b\.sql:6: statement 3 failed: syntax error at or near "b" \(SQLSTATE 42601\)\. Its transaction was rolled back/);
  expect(error.hint).toContain(`npx bulkhead migrate up ${it.service}`);
  expect(await tables(it)).toEqual(["a"]);
  const status = await migrationStatus(it.options);
  expect(status).toMatchObject({ ok: false, schemaVersion: 1, migrations: [{ state: "applied" }, { state: "failed" }] });
  expect(status.migrations[1]!.detail).toContain("002_b.sql:6");

  await writeFile(join(it.directory, "002_b.sql"), "CREATE TABLE b (id int);");
  expect(await migrate(it.options)).toMatchObject({ applied: [{ version: 2 }], schemaVersion: 2 });
  expect(await migrationStatus(it.options)).toMatchObject({ ok: true });
});

test("a constraint that is checked at the commit is told as such, and is rolled back", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a (id int PRIMARY KEY, b int REFERENCES a DEFERRABLE INITIALLY DEFERRED); INSERT INTO a VALUES (1, 2)" });
  expect((await thrown(migrate(it.options))).message).toMatch(/001_a\.sql: the commit failed: .*SQLSTATE 23503/);
  expect(await tables(it)).toEqual([]);
});

test("values of rows stay out of the message", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a (secret_word text); INSERT INTO a VALUES ('tuna'), ('tuna'); CREATE UNIQUE INDEX ON a (secret_word)" });
  expect((await thrown(migrate(it.options))).message).not.toContain("tuna");
});

test("edited, missing and out-of-order files are refused before anything runs", async () => {
  const it = await fresh({ "002_b.sql": "CREATE TABLE b ();", "003_c.sql": "CREATE TABLE c ();" });
  await migrate(it.options);
  await folders.write(it.directory, { "001_a.sql": "CREATE TABLE a ();", "004_d.sql": "CREATE TABLE d ();" });
  await writeFile(join(it.directory, "003_c.sql"), "CREATE TABLE c (id int);");
  const error = await thrown(migrate(it.options));
  expect(error).toMatchObject({ code: "MIGRATION_HISTORY_DIFFERS" });
  expect(error.message).toMatch(/001_a\.sql: out of order[^]*003_c\.sql: edited/);
  expect((await migrationStatus(it.options)).migrations.map(({ state }) => state)).toEqual(["out-of-order", "applied", "edited", "pending"]);
  expect(await tables(it)).toEqual(["b", "c"]);

  const emptied = await folders.make({});
  expect((await thrown(migrate({ ...it.options, directory: emptied }))).message).toMatch(/002_b\.sql: missing[^]*003_c\.sql: missing/);
});

test("a rollback that cannot work keeps its migration from running", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a ();", "002_b.sql": "CREATE TABLE b ();", "002_b.rollback.sql": "DROP TABLE 'b" });
  expect(await thrown(migrate(it.options))).toMatchObject({ code: "MIGRATION_FILES_INVALID", message: expect.stringContaining("002_b.rollback.sql:1: a string that never ends") as string });
  expect(await tables(it)).toEqual([]);
});

test("what a migration sets does not reach the next one, and names without schema mean public", async () => {
  const it = await fresh({
    "001_a.sql": "CREATE SCHEMA other; SET search_path = other; SET statement_timeout = '7s'; SET client_min_messages = error; CREATE TEMP TABLE leftover (); CREATE TABLE in_other ()",
    "002_b.sql": "CREATE TABLE seen AS SELECT current_setting('search_path') AS path, current_setting('statement_timeout') AS timeout, to_regclass('leftover')::text AS leftover",
  });
  await migrate(it.options);
  expect(await it.query("SELECT * FROM public.seen")).toEqual([{ path: "public", timeout: "0", leftover: null }]);
});

test("rollback undoes the newest migration, or all down to a version", async () => {
  const it = await fresh({
    "001_a.sql": "CREATE TABLE a ();",
    "001_a.rollback.sql": "DROP TABLE a;",
    "002_b.sql": "CREATE TABLE b ();",
    "002_b.rollback.sql": "DROP TABLE b;",
    "003_c.sql": "CREATE TABLE c ();",
    "003_c.rollback.sql": "DROP TABLE c;",
  });
  await migrate(it.options);
  expect(await rollbackMigration(it.options)).toMatchObject({ rolledBack: [{ version: 3 }], schemaVersion: 2 });
  expect(await tables(it)).toEqual(["a", "b"]);
  expect(await thrown(rollbackMigration({ ...it.options, to: 3 }))).toMatchObject({ code: "MIGRATION_UNKNOWN_VERSION" });
  expect(await rollbackMigration({ ...it.options, to: 0 })).toMatchObject({ rolledBack: [{ version: 2 }, { version: 1 }], schemaVersion: 0 });
  expect(await tables(it)).toEqual([]);
  expect(await rollbackMigration(it.options)).toMatchObject({ rolledBack: [], schemaVersion: 0 });
  expect(await migrate(it.options)).toMatchObject({ schemaVersion: 3 });
});

test("a rollback that fails leaves the migration applied and names its line", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a ();", "001_a.rollback.sql": "DROP TABLE a;\nDROP TABLE none;" });
  await migrate(it.options);
  expect(await thrown(rollbackMigration(it.options))).toMatchObject({ code: "MIGRATION_FAILED", message: expect.stringMatching(/001_a\.rollback\.sql:2: statement 2 failed: .*still applied/) as string });
  expect(await migrationStatus(it.options)).toMatchObject({ ok: true, schemaVersion: 1 });
  expect(await tables(it)).toEqual(["a"]);
});

test("an open client is used as it is and left open", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a ();" });
  await withClient(it.migrator(), async (client) => {
    await migrate({ ...it.options, client });
    expect(client.listenerCount("notice")).toBe(0);
    expect((await client.query("SELECT count(*)::int AS locks FROM pg_locks WHERE locktype = 'advisory'")).rows).toEqual([{ locks: 0 }]);
  });
});

test("a session that does not act as the owner is refused", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a ();" });
  expect(await thrown(migrate({ ...it.options, client: it.login(`${it.service}_user`) }))).toMatchObject({
    code: "MIGRATION_WRONG_ROLE",
    message: expect.stringContaining(`must run as ${it.owner}, but the session of ${it.service}_user acts as ${it.service}_user`) as string,
  });
});

test("a connection through a pooler is refused", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a ();" });
  await withClient(it.migrator(), async (client) => {
    // What a pooler does: it answers the start-up with a process id that is not the backend's.
    Object.assign(client, { processID: 1 });
    expect(await thrown(migrate({ ...it.options, client }))).toMatchObject({ code: "MIGRATION_POOLER" });
  });
});

test("a wrong password and a server that is away are told without the password", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a ();" });
  for (const change of [{ password: "wr0ng-but-secret" }, { port: 1 }]) {
    const error = await thrown(migrate({ ...it.options, client: { ...it.migrator(), ...change } }));
    expect(error.code).toBe("MIGRATION_CONNECT_FAILED");
    expect(JSON.stringify(error) + error.message).not.toMatch(new RegExp(`wr0ng-but-secret|${it.password}`));
  }
});

test("the user's PGOPTIONS do not reach the session", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a AS SELECT current_setting('work_mem') AS work_mem" });
  process.env.PGOPTIONS = "-c work_mem=123MB";
  try {
    await migrate(it.options);
  } finally {
    delete process.env.PGOPTIONS;
  }
  expect(await it.query("SELECT * FROM a")).not.toEqual([{ work_mem: "123MB" }]);
});

test("names with quotes, spaces and keywords in paths and SQL are no problem", async () => {
  const it = await fresh({ "001_select.sql": 'CREATE TABLE "select ""x"" ; --" (id int); INSERT INTO "select ""x"" ; --" VALUES (1)' });
  expect(await migrate(it.options)).toMatchObject({ schemaVersion: 1 });
  expect(await tables(it)).toEqual(['select "x" ; --']);
});

test("the history survives what a migration does to names and settings around it", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE history (id int); SET search_path = ''; SET standard_conforming_strings = on;", "002_b.sql": "INSERT INTO history VALUES (1)" });
  expect(await migrate(it.options)).toMatchObject({ schemaVersion: 2 });
  expect(await readFile(join(it.directory, "001_a.sql"), "utf8")).toContain("history");
});

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { migrate, migrationStatus, rollbackMigration } from "../../../manager/src/migrate";
import type { MigrateOptions } from "../../../manager/src/migrate";
import { startTestServer } from "../../support/server";
import type { TestServer } from "../../support/server";
import { Folders, createCompartment } from "./compartment";
import type { Compartment } from "./compartment";

let server: TestServer;
let number = 0;
const folders = new Folders();

async function fresh(files: Readonly<Record<string, string | null>>): Promise<Compartment & { options: MigrateOptions; directory: string; lines: string[] }> {
  const compartment = await createCompartment(server, `n${++number}`);
  const directory = await folders.make(files);
  const lines: string[] = [];
  const { service, owner } = compartment;
  return { ...compartment, directory, lines, options: { client: compartment.migrator(), service, owner, directory, progress: (line) => lines.push(line) } };
}

beforeAll(async () => {
  server = await startTestServer({ name: "no-transaction" });
});

afterAll(async () => {
  folders.remove();
  await server?.stop();
});

const HEAD = "-- bulkhead: no-transaction\n";
const DUPLICATES = "CREATE TABLE t (id int, note text); INSERT INTO t VALUES (1), (1);";

test("statements that cannot run in a transaction run one by one", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE t (id int)", "002_b.sql": `${HEAD}CREATE INDEX CONCURRENTLY i ON t (id);\nVACUUM t;\nREINDEX INDEX CONCURRENTLY i` });
  expect(await migrate(it.options)).toMatchObject({ schemaVersion: 2 });
  expect(await migrationStatus(it.options)).toMatchObject({ ok: true });
});

test("without the directive such a statement fails with a hint at it", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE t (id int)", "002_b.sql": "VACUUM t" });
  await expect(migrate(it.options)).rejects.toMatchObject({ code: "MIGRATION_FAILED", hint: expect.stringContaining("bulkhead: no-transaction") as string });
});

test("a failed one is recorded with its statement, named by status with the invalid index, and gone on with after the cause is mended", async () => {
  const it = await fresh({
    "001_a.sql": DUPLICATES,
    "002_b.sql": `${HEAD}CREATE TABLE before ();\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "i U" ON ONLY public.t (id);\nCREATE TABLE after ();`,
  });
  await expect(migrate(it.options)).rejects.toMatchObject({ code: "MIGRATION_FAILED", message: expect.stringMatching(/002_b\.sql:3: statement 2 failed: .*The 1 before it ran/) as string });
  const status = await migrationStatus(it.options);
  expect(status).toMatchObject({ ok: false, schemaVersion: 1, invalidIndexes: ['"public"."i U"'], migrations: [{}, { state: "failed" }] });
  expect(status.migrations[1]!.detail).toMatch(new RegExp(`002_b.sql:3.*Statements that lasted: 1.*migrate up ${it.service}.*migrate rollback ${it.service}`));

  await expect(migrate(it.options)).rejects.toMatchObject({ code: "MIGRATION_FAILED" });
  await it.query("DELETE FROM t");
  expect(await migrate(it.options)).toMatchObject({ applied: [{ version: 2 }], schemaVersion: 2 });
  expect(it.lines.join("\n")).toMatch(/going on with statement 2 of 3[^]*dropping the invalid index "public"\."i U"/);
  expect(await migrationStatus(it.options)).toMatchObject({ ok: true, invalidIndexes: [] });
});

test("the failed statement may be edited, those that ran before it may not", async () => {
  const it = await fresh({ "001_a.sql": `${HEAD}CREATE TABLE a ();\nCREATE TABLE b (x nonsense);` });
  await expect(migrate(it.options)).rejects.toMatchObject({ code: "MIGRATION_FAILED" });
  await writeFile(join(it.directory, "001_a.sql"), `${HEAD}CREATE TABLE a (id int);\nCREATE TABLE b (x int);`);
  await expect(migrate(it.options)).rejects.toMatchObject({ code: "MIGRATION_CANNOT_RESUME" });
  await writeFile(join(it.directory, "001_a.sql"), `${HEAD}CREATE TABLE a ();\nCREATE TABLE b (x int);`);
  expect(await migrate(it.options)).toMatchObject({ schemaVersion: 1 });
});

test("a failed one can be rolled back instead", async () => {
  const it = await fresh({
    "001_a.sql": DUPLICATES,
    "002_b.sql": `${HEAD}CREATE UNIQUE INDEX CONCURRENTLY i ON t (id);`,
    "002_b.rollback.sql": `${HEAD}DROP INDEX CONCURRENTLY IF EXISTS i;`,
  });
  await expect(migrate(it.options)).rejects.toMatchObject({ code: "MIGRATION_FAILED" });
  expect(await rollbackMigration(it.options)).toMatchObject({ rolledBack: [{ version: 2 }], schemaVersion: 1 });
  expect(await migrationStatus(it.options)).toMatchObject({ invalidIndexes: [], migrations: [{ state: "applied" }, { state: "pending" }] });
});

test("a rollback that stopped half-way is finished by the next rollback, and migrate refuses until then", async () => {
  const it = await fresh({ "001_a.sql": "CREATE TABLE a ()", "001_a.rollback.sql": `${HEAD}DROP TABLE IF EXISTS a;\nDROP TABLE missing;` });
  await migrate(it.options);
  await expect(rollbackMigration(it.options)).rejects.toMatchObject({ code: "MIGRATION_FAILED" });
  await expect(migrate(it.options)).rejects.toMatchObject({ code: "MIGRATION_HISTORY_DIFFERS", message: expect.stringContaining("its rollback was begun") as string });
  expect((await migrationStatus(it.options)).migrations[0]!.detail).toContain(`npx bulkhead migrate rollback ${it.service}`);
  await writeFile(join(it.directory, "001_a.rollback.sql"), `${HEAD}DROP TABLE IF EXISTS a;`);
  expect(await rollbackMigration(it.options)).toMatchObject({ rolledBack: [{ version: 1 }] });
  expect(await migrate(it.options)).toMatchObject({ schemaVersion: 1 });
});

test("an invalid index that stands in the way is dropped, not taken for done by IF NOT EXISTS", async () => {
  const it = await fresh({ "001_a.sql": DUPLICATES, "002_b.sql": `${HEAD}CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (id);` });
  await migrate({ ...it.options, directory: await folders.make({ "001_a.sql": DUPLICATES }) });
  await expect(it.query("CREATE UNIQUE INDEX CONCURRENTLY i ON t (id)")).rejects.toMatchObject({ code: "23505" });
  await it.query("DELETE FROM t");
  expect(await migrate(it.options)).toMatchObject({ schemaVersion: 2 });
  expect(await it.query("SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = 'i'::regclass")).toEqual([{ valid: true }]);
});

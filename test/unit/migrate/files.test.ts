import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMigration } from "../../../manager/src/migrate/create";
import { readMigrations, readScripts } from "../../../manager/src/migrate/files";
import { parseScript } from "../../../manager/src/migrate/parse-script";

let directory: string;
const write = (files: Record<string, string | Buffer>): void => {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "bulkhead migrations ü'"));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

test("migrations come in the order of their numbers, gaps and timestamps included", async () => {
  for (const name of ["010_b", "002_a_1", "20260101120000_c"]) write({ [`${name}.sql`]: "SELECT 1", [`${name}.rollback.sql`]: "SELECT 1" });
  expect((await readMigrations(directory)).map(({ version, name }) => [version, name])).toEqual([
    [2, "a_1"],
    [10, "b"],
    [20260101120000, "c"],
  ]);
});

test("a checkout with other line ends or a byte order mark has the same checksum", async () => {
  write({ "001_a.sql": "SELECT 1;\nSELECT 2;\n", "001_a.rollback.sql": "", "002_b.sql": "\uFEFFSELECT 1;\r\nSELECT 2;\r\n", "002_b.rollback.sql": "" });
  const [first, second] = await readMigrations(directory);
  expect(second!.checksum).toBe(first!.checksum);
});

test("files that are no SQL are left alone", async () => {
  write({ "README.md": "", ".gitkeep": "", "001_a.sql~": "", "001_a.sql.orig": "" });
  expect(await readMigrations(directory)).toEqual([]);
});

test("all that is wrong with a folder comes in one error that names each file", async () => {
  write({
    "1_short.sql": "",
    "000_zero.sql": "",
    "002_Upper.sql": "",
    "003_a.SQL": "",
    "004_alone.sql": "SELECT 1",
    "005_one.sql": "",
    "005_one.rollback.sql": "",
    "005_two.sql": "",
    "005_two.rollback.sql": "",
    "006_orphan.rollback.sql": "",
    "007_nul.sql": "SELECT '\0'",
    "007_nul.rollback.sql": "",
    "008_latin.sql": Buffer.from([0x53, 0xe9]),
    "008_latin.rollback.sql": "",
    "009_folder.rollback.sql": "",
    "01234567890123456_long.sql": "",
  });
  mkdirSync(join(directory, "009_folder.sql"));
  const error = await readMigrations(directory).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "MIGRATION_FILES_INVALID" });
  const { message } = error as Error;
  for (const name of ["1_short.sql: not a", "000_zero.sql: not a", "002_Upper.sql: not a", "003_a.SQL: not a", "01234567890123456_long.sql: not a"]) expect(message).toContain(name);
  expect(message).toContain("004_alone.rollback.sql: missing");
  expect(message).toContain("005_two.sql: number 5 is taken by 005_one.sql");
  expect(message).toContain("006_orphan.rollback.sql: there is no migration");
  expect(message).toContain("007_nul.sql: it contains a NUL byte");
  expect(message).toContain("008_latin.sql: it is not UTF-8");
  expect(message).toContain("009_folder.sql: it is a folder");
});

test("a file that may not be read is named", async () => {
  write({ "001_a.sql": "SELECT 1", "001_a.rollback.sql": "SELECT 1" });
  chmodSync(join(directory, "001_a.sql"), 0);
  const result = await readMigrations(directory).catch((thrown: unknown) => thrown);
  if (process.getuid?.() === 0) expect(result).toHaveLength(1);
  else expect(result).toMatchObject({ message: expect.stringContaining("001_a.sql: it cannot be read (no permission)") as string });
});

test("a folder that is missing, or is a file, is an error of its own", async () => {
  await expect(readMigrations(join(directory, "none"))).rejects.toMatchObject({ code: "MIGRATION_FOLDER_MISSING", message: expect.stringContaining("none") as string });
  write({ file: "" });
  await expect(readMigrations(join(directory, "file"))).rejects.toMatchObject({ code: "MIGRATION_FOLDER_UNREADABLE", message: expect.stringContaining("it is a file") as string });
});

test("what is wrong inside a migration or its rollback is told with file and line before anything runs", async () => {
  write({ "001_a.sql": "SELECT 1;\n\nCOMMIT;\nSELECT 'x", "001_a.rollback.sql": "-- nothing yet\n" });
  const [file] = await readMigrations(directory);
  const error = await readScripts(file!).catch((thrown: unknown) => thrown);
  expect((error as Error).message).toMatch(/001_a\.sql:4: a string that never ends[^]*001_a\.rollback\.sql:1: the file holds no statement/);
});

describe("a script", () => {
  test.each([
    ["BEGIN; SELECT 1", "BEGIN"],
    ["start transaction; SELECT 1", "START"],
    ["SELECT 1; commit", "COMMIT"],
    ["END", "END"],
    ["ROLLBACK", "ROLLBACK"],
    ["abort", "ABORT"],
    ["PREPARE TRANSACTION 'x'", "PREPARE"],
    ["ROLLBACK PREPARED 'x'", "ROLLBACK"],
    ["-- bulkhead: no-transaction\nBEGIN", "BEGIN"],
    ["SET ROLE x", "SET ROLE"],
    ["SET SESSION AUTHORIZATION x", "SET SESSION"],
    ["RESET ROLE", "RESET ROLE"],
    ["DISCARD ALL", "DISCARD ALL"],
    ["\\connect x", "backslash"],
    ["SET standard_conforming_strings = off", "standard_conforming_strings"],
    ["SELECT set_config('standard_conforming_strings', 'off', false)", "standard_conforming_strings"],
    ["-- bulkhead: no-transactoin\nSELECT 1", "unknown directive"],
    ["SELECT 1;\n-- bulkhead: no-transaction\n", "before the first statement"],
    ["", "no statement"],
    ["/* ; */ -- ;", "no statement"],
  ])("may not be %j", (sql, problem) => {
    expect(parseScript(sql)).toMatchObject({ script: undefined, problems: [{ text: expect.stringContaining(problem) as string }] });
  });

  test.each([
    "SAVEPOINT a; ROLLBACK TO a; ROLLBACK WORK TO SAVEPOINT a; RELEASE a",
    "SET standard_conforming_strings = on",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END",
    "DO $$ BEGIN COMMIT; END $$",
    "PREPARE p AS SELECT 1",
    "DISCARD TEMP",
    "COMMENT ON TABLE t IS 'begin; commit'",
  ])("may be %j", (sql) => {
    expect(parseScript(sql)).toMatchObject({ problems: [], script: { transactional: true } });
  });

  test("runs without a transaction where its head says so", () => {
    expect(parseScript("-- why\n/* x */\n  --  bulkhead: no-transaction  \nVACUUM")).toMatchObject({ script: { transactional: false } });
  });
});

describe("creating a migration", () => {
  test("takes the next number and makes both files, and the folder where it is missing", async () => {
    const folder = join(directory, "new", "service");
    const created = [await createMigration({ directory: folder, name: "initial_schema" }), await createMigration({ directory: folder, name: "add_orders" })];
    expect(created.map(({ version }) => version)).toEqual([1, 2]);
    expect(readdirSync(folder).sort()).toEqual(["001_initial_schema.rollback.sql", "001_initial_schema.sql", "002_add_orders.rollback.sql", "002_add_orders.sql"]);
    expect(readFileSync(created[1]!.path, "utf8")).toBe("-- add orders\n");
  });

  test("makes files that cannot be applied before they are filled", async () => {
    await createMigration({ directory, name: "a" });
    const [file] = await readMigrations(directory);
    await expect(readScripts(file!)).rejects.toMatchObject({ code: "MIGRATION_FILES_INVALID" });
  });

  test.each(["", "Add Orders", "../x", "a/b", "a__b", "_a", "a.rollback", "ü", "a\0b", "x".repeat(81)])("refuses the name %j and says a better one", async (name) => {
    await expect(createMigration({ directory, name })).rejects.toMatchObject({ code: "MIGRATION_NAME_INVALID", hint: expect.stringMatching(/^use a name such as [a-z0-9]+(_[a-z0-9]+)*$/) as string });
    expect(readdirSync(directory)).toEqual([]);
  });
});

import { fingerprintQuery, prepareFingerprints } from "../../../manager/src/monitor";
import { shapeOf } from "../../../manager/src/monitor/query-shape";
import { sqlTemplates, spaced, spellConstant } from "./sql-arbitraries";
import fc from "../../support/fast-check";

const tokenizer = (sql: string): string => shapeOf(sql).key;

beforeAll(async () => {
  expect(await prepareFingerprints()).toBe(true);
});

describe.each([
  ["Postgres' parser", fingerprintQuery],
  ["the tokenizer", tokenizer],
])("fingerprints by %s", (_name, fingerprint) => {
  test("do not change with constants, comments, spacing and case", () => {
    fc.assert(
      fc.property(sqlTemplates, fc.infiniteStream(spellConstant), fc.infiniteStream(spellConstant), fc.infiniteStream(spaced), fc.infiniteStream(spaced), (template, a, b, spacesA, spacesB) => {
        expect(fingerprint(template(a, spacesA))).toBe(fingerprint(template(b, spacesB)));
      }),
      { numRuns: 400 },
    );
  });

  test("do not change with the lengths of IN lists, arrays and VALUES", () => {
    const list = fc.array(spellConstant, { minLength: 1, maxLength: 30 });
    const rows = fc.array(fc.tuple(spellConstant, spellConstant), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(list, list, rows, rows, (a, b, rowsA, rowsB) => {
        const inList = (values: readonly string[]): string => `SELECT x FROM t WHERE a IN (${values.join(", ")}) AND b NOT IN (${values.join(",")})`;
        const array = (values: readonly string[]): string => `SELECT x FROM t WHERE a = ANY (ARRAY[${values.join(", ")}])`;
        const pairs = (values: readonly (readonly string[])[]): string => `SELECT x FROM t WHERE (a, b) IN (${values.map((row) => `(${row.join(", ")})`).join(", ")})`;
        const insert = (values: readonly (readonly string[])[]): string => `INSERT INTO t (a, b) VALUES ${values.map((row) => `(${row.join(", ")})`).join(", ")} RETURNING id`;
        expect(fingerprint(inList(a))).toBe(fingerprint(inList(b)));
        expect(fingerprint(array(a))).toBe(fingerprint(array(b)));
        expect(fingerprint(pairs(rowsA))).toBe(fingerprint(pairs(rowsB)));
        expect(fingerprint(insert(rowsA))).toBe(fingerprint(insert(rowsB)));
      }),
    );
  });

  const names = fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/).map((word) => `${word}_`);

  test("differ for different tables", () => {
    // The parser takes tables whose names differ in runs of digits alone for partitions of one.
    const ofPartitioned = (table: string): string => table.replace(/[0-9]{2,}/g, "");
    fc.assert(
      fc.property(names, names, (a, b) => {
        fc.pre(ofPartitioned(a) !== ofPartitioned(b));
        expect(fingerprint(`SELECT x FROM ${a} WHERE y = 1`)).not.toBe(fingerprint(`SELECT x FROM ${b} WHERE y = 1`));
      }),
    );
  });

  test("differ for different columns", () => {
    fc.assert(
      fc.property(names, names, (a, b) => {
        fc.pre(a !== b);
        expect(fingerprint(`SELECT x FROM t WHERE ${a} = 1`)).not.toBe(fingerprint(`SELECT x FROM t WHERE ${b} = 1`));
      }),
    );
  });

  test.each([
    ["SELECT 1", "select 'a'  ;"],
    ["SELECT a FROM t WHERE b = -1", "SELECT a FROM t WHERE b=$1"],
    ["SELECT a FROM t WHERE b = - 5::int", "SELECT a FROM t WHERE b = 5::int"],
    ["SELECT E'it\\'s' FROM t", "SELECT $q$ ' $q$ FROM t -- '"],
    ["SELECT 'a''b' FROM t", "SELECT U&'\\0041' FROM t"],
    ["SELECT 'two'\n'parts' FROM t", "SELECT 'one' FROM t"],
    ["SELECT /* outer /* inner */ still */ a FROM t", "SELECT a FROM t"],
    ["SELECT a FROM t WHERE b IN (1, NULL, 'x')", "SELECT a FROM t WHERE b IN ($1)"],
    ['SELECT "a" FROM "t"', "SELECT A FROM T"],
    ["SELECT 0x1F, 1_000, 1e-5 FROM t", "SELECT .5, 2, 3 FROM t"],
    ["ALTER ROLE r PASSWORD 'one'", "ALTER ROLE r PASSWORD 'another'"],
    ["BEGIN", "begin;"],
  ])("%s is as %s", (a, b) => {
    expect(fingerprint(a)).toBe(fingerprint(b));
  });

  test.each([
    ['SELECT "A" FROM t', "SELECT a FROM t"],
    ["SELECT a FROM t WHERE b IS NULL", "SELECT a FROM t WHERE b IS NOT NULL"],
    ["SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b > 1"],
    ["SELECT a FROM t WHERE b = 1 AND c = 2", "SELECT a FROM t WHERE b = 1 OR c = 2"],
    ["SELECT a FROM s.t", "SELECT a FROM t"],
    ["DELETE FROM t WHERE a = 1", "SELECT a FROM t WHERE a = 1"],
    ["SELECT a FROM t WHERE b -> 'x' = '1'", "SELECT a FROM t WHERE b ->> 'x' = '1'"],
    ["SELECT a - 1 FROM t", "SELECT a FROM t"],
    ["SELECT f(a) FROM t", "SELECT g(a) FROM t"],
  ])("%s is not as %s", (a, b) => {
    expect(fingerprint(a)).not.toBe(fingerprint(b));
  });

  test("takes anything, and says the same twice", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), fc.constantFrom("", "SELECT ", "'", "$a$", "/*", "IN (", "VALUES ("), (text, start) => {
        const first = fingerprint(start + text);
        expect(first).toMatch(/^x?[0-9a-f]{16}$/);
        expect(fingerprint(start + text)).toBe(first);
      }),
      { numRuns: 500 },
    );
  });
});

test("partitions whose names differ in runs of digits count as one table, by Postgres' parser alone", () => {
  const november = "SELECT x FROM logs_2026_11 WHERE y = 1";
  const december = "SELECT x FROM logs_2026_12 WHERE y = 1";
  expect(fingerprintQuery(november)).toBe(fingerprintQuery(december));
  expect(tokenizer(november)).not.toBe(tokenizer(december));
  expect(fingerprintQuery("SELECT x FROM shard_1")).not.toBe(fingerprintQuery("SELECT x FROM shard_2"));
});

test("a list of 100,000 rows is read in one go and is as a short one", () => {
  const insert = (rows: number): string => `INSERT INTO t (a, b) VALUES ${Array.from({ length: rows }, (_, row) => `(${row}, 'x${row}')`).join(",")}`;
  expect(fingerprintQuery(insert(100_000))).toBe(fingerprintQuery(insert(1)));
});

test("deep brackets and endless statements get the tokenizer's fingerprint, and different ones differ", () => {
  const nested = `SELECT ${"(".repeat(20_000)}1${")".repeat(20_000)}`;
  const sum = (last: string): string => `SELECT ${"a + ".repeat(20_000)}${last}`;
  expect(fingerprintQuery(nested)).toMatch(/^x/);
  expect(fingerprintQuery(sum("b"))).not.toBe(fingerprintQuery(sum("c")));
});

describe("shapes", () => {
  test("read well, hold no constant, and are SQL again without them", () => {
    expect(shapeOf("select A, count(*) from S.T where x in (1, 2) and y = 'secret' -- note\n and z > $3::int LIMIT 5")).toMatchObject({
      text: "select a, count(*) from s.t where x in (?) and y = ? and z > ?::int limit ?",
      parsable: "select a, count(*) from s.t where x in (0) and y = '' and z > $1::int limit 0",
      summary: "SELECT t",
      operation: "SELECT",
    });
  });

  test.each([
    ["WITH recent AS (SELECT 1 FROM logs) UPDATE users SET a = 1", "UPDATE logs users"],
    ["INSERT INTO app.orders (a) VALUES (1)", "INSERT orders"],
    ["SELECT * FROM a JOIN ONLY b ON true FOR UPDATE", "SELECT a b"],
    ["SELECT * FROM generate_series(1, 2)", "SELECT"],
    ["TRUNCATE TABLE a", "TRUNCATE a"],
    ["begin", "BEGIN"],
    ["", ""],
  ])("the summary of %p is %p", (sql, summary) => {
    expect(shapeOf(sql).summary).toBe(summary);
  });

  test("no constant is in the text, whatever it is", () => {
    fc.assert(
      fc.property(sqlTemplates, fc.stringMatching(/^[A-Za-z0-9]{8,20}$/), fc.infiniteStream(spaced), (template, secret, spaces) => {
        const constants = (function* () {
          for (;;) yield `'QQ${secret}'`;
        })();
        const { text, parsable } = shapeOf(template(constants, spaces));
        expect(text + String(parsable)).not.toContain(secret);
      }),
    );
  });
});

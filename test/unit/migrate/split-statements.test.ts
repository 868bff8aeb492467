import { SplitError, splitStatements } from "../../../manager/src/migrate/split-statements";
import fc from "../../support/fast-check";

const texts = (sql: string): string[] => splitStatements(sql).map(({ text }) => text);

describe("splitting a file into statements", () => {
  test.each<[string, string, string[]]>([
    ["ends a statement at a semicolon", "SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]],
    ["leaves empty statements and comments out", " ;; -- nothing\n /* here; */ ; SELECT 1 ; -- end\n", ["SELECT 1"]],
    ["keeps comments that stand inside a statement", "SELECT -- one;\n 1 /* ; */ + 2;", ["SELECT -- one;\n 1 /* ; */ + 2"]],
    ["reads nested comments", "/* a /* b; */ c; */ SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]],
    ["reads doubled quotes", "SELECT 'it''s; fine'; SELECT \"a\"\";b\"", ["SELECT 'it''s; fine'", 'SELECT "a"";b"']],
    ["takes a backslash in a plain string as itself", "SELECT 'a\\'; SELECT 'b'", ["SELECT 'a\\'", "SELECT 'b'"]],
    ["takes a backslash in an E string as an escape", "SELECT E'a\\';b'; SELECT e'\\\\'; SELECT 1", ["SELECT E'a\\';b'", "SELECT e'\\\\'", "SELECT 1"]],
    ["does not take a name that ends in e for an E string", "SELECT date'2020-01-01\\'; SELECT 1", ["SELECT date'2020-01-01\\'", "SELECT 1"]],
    ["goes on with an E string on the next line", "SELECT E'a' -- c\n '\\';b'; SELECT 1", ["SELECT E'a' -- c\n '\\';b'", "SELECT 1"]],
    ["reads dollar quotes, with and without a tag", "DO $$ a; b $$; DO $x$ $$;$$ $y$; $x$; SELECT 1", ["DO $$ a; b $$", "DO $x$ $$;$$ $y$; $x$", "SELECT 1"]],
    ["does not take a dollar inside a name for a quote", "SELECT a$b$; SELECT c$b$", ["SELECT a$b$", "SELECT c$b$"]],
    ["does not take a parameter for a quote", "PREPARE p AS SELECT $1; SELECT $2", ["PREPARE p AS SELECT $1", "SELECT $2"]],
    ["keeps semicolons in parentheses", "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3", ["CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "SELECT 3"]],
    [
      "keeps the body of an SQL-standard function",
      "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END; SELECT 2",
      ["CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END", "SELECT 2"],
    ],
    ["ends CASE outside of such a body where it ends", "SELECT CASE WHEN true THEN 1 END; SELECT 2", ["SELECT CASE WHEN true THEN 1 END", "SELECT 2"]],
    ["takes BEGIN and END of a transaction as statements", "BEGIN; SELECT 1; END", ["BEGIN", "SELECT 1", "END"]],
    ["reads letters of any language in names and tags", "DO $é$ ; $é$; SELECT ü;", ["DO $é$ ; $é$", "SELECT ü"]],
  ])("%s", (_name, sql, expected) => {
    expect(texts(sql)).toEqual(expected);
  });

  test.each([
    ["SELECT 1;\nSELECT 'abc", 2, "string"],
    ["/* a\n/* b */", 1, "comment"],
    ['SELECT\n\n"abc', 3, "quoted identifier"],
    ["DO $x$ $y$", 1, "$x$"],
    ["SELECT 1;\nSELECT (1", 2, "parenthesis"],
  ])("names the line of what never ends in %j", (sql, line, what) => {
    expect(() => splitStatements(sql)).toThrow(SplitError);
    try {
      splitStatements(sql);
    } catch (error) {
      expect((error as SplitError).line).toBe(line);
      expect((error as SplitError).message).toContain(what);
    }
  });

  test("knows the line of every statement and its first words", () => {
    const [first, second] = splitStatements('-- head\n\nCREATE UNIQUE\n INDEX "X y" ON t (a);\n/* c\n */ DROP TABLE T;');
    expect(first).toMatchObject({ line: 3, head: ["create", "unique", "index", '"X y"', "on", "t", "(", "a", ")"] });
    expect(second).toMatchObject({ line: 6, head: ["drop", "table", "t"] });
  });
});

/** Pieces of SQL that hold semicolons and quotes, and yet end no statement. */
const piece = fc.oneof(
  fc.constantFrom("SELECT", "a$b", "É", "1", "+", "date", "e", "E", "CASE x END", "(a; b)", "$1", "u&", "::text"),
  fc.string().map((text) => `'${text.replaceAll("'", "''")}'`),
  fc.string().map((text) => `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`),
  fc.string().map((text) => `"${text.replaceAll('"', '""')}"`),
  fc.tuple(fc.constantFrom("$$", "$q$", "$Ä_1$"), fc.string().filter((text) => !text.includes("$"))).map(([tag, text]) => `${tag}${text}${tag}`),
  fc.string().map((text) => `--${text.replace(/[\r\n]/g, "")}\n`),
  fc.string().filter((text) => !/[*/]/.test(text)).map((text) => `/*${text}/* ; ' */*/`),
);
// Every statement begins with a word: one that consists of comments is none. Something stands between two strings, or the second would go on with the first.
const statement = fc.array(piece, { maxLength: 8 }).map((pieces) => ["SELECT", ...pieces, "end_"].join(" + "));

test("joining statements with semicolons and splitting them gives the same statements", () => {
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 6 }), fc.constantFrom(";", " ;\n", ";; /* ; */ ", ";\n-- ; '\n"), (statements, separator) => {
      expect(texts(statements.join(separator))).toEqual(statements);
    }),
    { numRuns: 400 },
  );
});

test("nothing of any text is lost: statements are found in it in order, with nothing but gaps between them", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("'", '"', "$$", "$a$", "--", "/*", "*/", "\n", ";", "(", ")", "\\", "E", "a", " ", "begin atomic", "create function", "end"), { maxLength: 40 }), (parts) => {
      const sql = parts.join("");
      let statements: string[];
      try {
        statements = texts(sql);
      } catch (error) {
        expect(error).toBeInstanceOf(SplitError);
        return;
      }
      let rest = sql;
      for (const text of statements) {
        const at = rest.indexOf(text);
        expect(at).toBeGreaterThanOrEqual(0);
        rest = rest.slice(at + text.length);
      }
    }),
    { numRuns: 1000 },
  );
});

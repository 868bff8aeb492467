import fc from "../../support/fast-check";

/** One constant as somebody may write it. */
export const spellConstant: fc.Arbitrary<string> = fc.oneof(
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }).map(String),
  fc.string({ maxLength: 12 }).filter((text) => !text.includes("\0")).map((text) => `'${text.replaceAll("'", "''")}'`),
  fc.string({ maxLength: 12 }).filter((text) => !text.includes("\0")).map((text) => `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`),
  fc.stringMatching(/^[a-z '"-]{0,10}$/).map((text) => `$tag$${text}$tag$`),
  fc.integer({ min: 1, max: 99 }).map((number) => `$${number}`),
  fc.constantFrom("NULL", "true", "FALSE"),
);

/** What may stand between two tokens. */
export const spaced: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(" ", "  ", "\n", "\t", "\r\n "),
  fc.stringMatching(/^[a-z0-9 ';,$()]{0,12}$/).map((text) => ` /* ${text} */ `),
  fc.stringMatching(/^[a-z0-9 ';,$()/*]{0,12}$/).map((text) => ` -- ${text}\n`),
);

type Template = (constants: Iterator<string>, spaces: Iterator<string>) => string;

/** `?` stands for a constant, a space for any space. */
const TEMPLATES = [
  "SELECT a , b FROM t WHERE c = ? AND d > ?",
  "SELECT t . a FROM s . t LEFT JOIN u ON u . id = t . u_id WHERE u . name LIKE ? ORDER BY a LIMIT 10",
  "INSERT INTO t ( a , b ) VALUES ( ? , ? ) , ( ? , ? ) ON CONFLICT ( a ) DO UPDATE SET b = EXCLUDED . b",
  "UPDATE t SET a = ? , b = coalesce ( b , ? ) WHERE id = ? RETURNING id",
  "DELETE FROM t WHERE a IN ( ? , ? , ? ) AND b IS NOT NULL",
  "WITH x AS ( SELECT a FROM t WHERE b = ? ) SELECT count ( * ) FROM x WHERE a BETWEEN ? AND ?",
  "SELECT a , CASE WHEN b = ? THEN ? ELSE ? END FROM t GROUP BY a HAVING sum ( c ) > ?",
];

export const sqlTemplates: fc.Arbitrary<Template> = fc
  .constantFrom(...TEMPLATES)
  .chain((template) => fc.infiniteStream(fc.boolean()).map((upper) => ({ template, upper })))
  .map(({ template, upper }) => (constants, spaces) => {
    const words = template.split(" ").map((word) => (word === "?" ? (constants.next().value as string) : upper.next().value ? word : word.toLowerCase()));
    return words.reduce((sql, word) => `${sql}${spaces.next().value as string}${word}`);
  });

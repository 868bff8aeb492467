import { Client } from "pg";
import { splitStatements } from "../../../manager/src/migrate/split-statements";
import { startTestServer } from "../../support/server";
import type { TestServer } from "../../support/server";
import { createCompartment } from "./compartment";
import fc from "../../support/fast-check";

let server: TestServer;
let client: Client;

beforeAll(async () => {
  server = await startTestServer({ name: "split" });
  const { migrator } = await createCompartment(server, "split");
  client = new Client(migrator());
  await client.connect();
});

afterAll(async () => {
  await client?.end();
  await server?.stop();
});

const text = fc.string({ unit: fc.constantFrom("'", '"', ";", "$", "\\", "-", "/", "*", "\n", "a", "É", "(", " "), maxLength: 8 });
const literal = fc.oneof(
  text.map((value) => `'${value.replaceAll("'", "''")}'`),
  text.map((value) => `E'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`),
  text.map((value) => `E'a' --;'\n '${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`),
  text.map((value) => `$t$${value}$t$`),
  text.filter((value) => !value.includes("$")).map((value) => `$$${value}$$`),
  text.filter((value) => !/[*/]/.test(value)).map((value) => `/*${value}/* ; */*/ 1`),
  text.map((value) => `1 --${value.replaceAll("\n", " ")}\n`),
  text.filter((value) => value.length > 0).map((value) => `1 AS "${value.replaceAll('"', '""')}"`),
);
const statement = fc.oneof(
  { weight: 5, arbitrary: literal.map((value) => `SELECT ${value}`) },
  {
    weight: 1,
    arbitrary: literal.map((value) => `CREATE OR REPLACE FUNCTION pg_temp.f() RETURNS void LANGUAGE sql BEGIN ATOMIC SELECT ${value}; SELECT CASE WHEN true THEN 1 END; END`),
  },
  { weight: 1, arbitrary: literal.map((value) => `DO $do$ BEGIN PERFORM ${value.replace(/ AS .*/s, "")}; END $do$`) },
);

test("Postgres counts as many statements in a text as we do, and takes each of them alone", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(statement, { minLength: 1, maxLength: 5 }), async (statements) => {
      const sql = statements.join(";\n");
      const results = (await client.query(sql)) as unknown;
      const split = splitStatements(sql);
      expect(split).toHaveLength(Array.isArray(results) ? results.length : 1);
      for (const { text: alone } of split) await client.query(alone);
    }),
    { numRuns: 150 },
  );
});


import { databaseNameProblem } from "../../../manager/src/catalog/names";
import { generatePassword, isGeneratedPassword, makeSecret, parseSecret } from "../../../manager/src/secrets/secret";
import { parseDatabaseUrl } from "../../../manager/src/url";
import fc from "../../support/fast-check";

const ENDPOINT = { host: "localhost", port: 5433, ca: "-----BEGIN CERTIFICATE-----\n", caPath: "/tmp/a path/with spaces & more/ca.crt" };
const databaseName = fc.string({ unit: "binary", minLength: 1, maxLength: 30 }).filter((name) => databaseNameProblem(name) === undefined);

describe("makeSecret", () => {
  test("writes a URL that reads back as the same login, whatever the database is called", () => {
    fc.assert(
      fc.property(databaseName, (dbname) => {
        const secret = makeSecret(ENDPOINT, { dbname, username: "auth_user", password: generatePassword() });
        const url = parseDatabaseUrl(secret.url);
        expect(url).toMatchObject({ user: "auth_user", password: secret.password, database: dbname, hosts: [{ host: "localhost", port: 5433 }] });
        expect(new URL(secret.url).searchParams.get("sslmode")).toBe("verify-full");
        expect(new URL(secret.url).searchParams.get("sslrootcert")).toBe(ENDPOINT.caPath);
      }),
    );
  });

  test("puts the service's own URL parameters behind libpq's", () => {
    const { url } = makeSecret(ENDPOINT, { dbname: "payment_db", username: "payment_user", password: generatePassword(), urlParameters: { schema: "public", "a b": "c&d" } });
    expect(url).toMatch(/sslrootcert=[^&]*&schema=public&a%20b=c%26d$/);
  });
});

describe("parseSecret", () => {
  const secret = makeSecret(ENDPOINT, { dbname: "auth_db", username: "auth_user", password: generatePassword() });

  test("reads back what makeSecret made", () => {
    fc.assert(fc.property(databaseName, (dbname) => {
      const made = makeSecret(ENDPOINT, { dbname, username: "x", password: generatePassword() });
      expect(parseSecret(JSON.stringify(made))).toStrictEqual(made);
    }));
  });

  test("takes no prefix of a secret for a whole one", () => {
    const text = JSON.stringify(secret);
    for (let length = 0; length < text.length; length++) expect(parseSecret(text.slice(0, length))).toBeUndefined();
  });

  test.each(Object.keys(secret))("refuses a secret whose %s is missing, empty or of another type", (key) => {
    for (const value of [undefined, "", null, {}, true]) expect(parseSecret(JSON.stringify({ ...secret, [key]: value }))).toBeUndefined();
  });

  test.each(["null", "[]", "7", '"x"', "{}", "{]", "\0"])("refuses %j", (text) => {
    expect(parseSecret(text)).toBeUndefined();
  });
});

test("passwords are of 192 bits, never twice the same, and told from hand-made ones", () => {
  const passwords = Array.from({ length: 200 }, generatePassword);
  expect(new Set(passwords).size).toBe(200);
  for (const password of passwords) expect(isGeneratedPassword(password)).toBe(true);
  for (const password of ["", "hunter2", "x".repeat(31), "x".repeat(33), `${"x".repeat(31)}\n`, `${"x".repeat(32)}\n`, `${"x".repeat(31)} `]) expect(isGeneratedPassword(password)).toBe(false);
});

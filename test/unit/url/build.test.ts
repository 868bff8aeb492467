import { DatabaseUrlError, buildDatabaseUrl, parseDatabaseUrl } from "../../../manager/src/url";
import { caught } from "./support";
import fc from "../../support/fast-check";

test("a URL is written with everything special percent-encoded and the port in it", () => {
  expect(buildDatabaseUrl({ hosts: [{ host: "localhost" }], user: "payment_user", password: "p@ss/wörd", database: "payment_db", params: { sslmode: "verify-full", sslrootcert: "/a b/ca.crt" } }))
    .toBe("postgresql://payment_user:p%40ss%2Fw%C3%B6rd@localhost:5432/payment_db?sslmode=verify-full&sslrootcert=%2Fa%20b%2Fca.crt");
});

test("IPv6 addresses stand in brackets, sockets percent-encoded, several hosts with commas", () => {
  expect(buildDatabaseUrl({ hosts: [{ host: "fe80::1%eth0", port: 1 }, { host: "/run/pg" }, { host: "b" }] })).toBe("postgresql://[fe80::1%25eth0]:1,%2Frun%2Fpg:5432,b:5432");
});

test("parameters of Prisma need its dialect", () => {
  const parts = { hosts: [{ host: "h" }], params: { schema: "public" } };
  expect(caught(() => buildDatabaseUrl(parts)).code).toBe("DATABASE_URL_PARAMETER");
  expect(buildDatabaseUrl(parts, { dialect: "prisma" })).toBe("postgresql://h:5432?schema=public");
});

test.each([
  [{ hosts: [] }, "DATABASE_URL_HOST"],
  [{ hosts: [{ host: "a,b" }] }, "DATABASE_URL_HOST"],
  [{ hosts: [{ host: "h", port: 0 }] }, "DATABASE_URL_PORT"],
  [{ hosts: [{ host: "h", port: 1.5 }] }, "DATABASE_URL_PORT"],
  [{ hosts: [{ host: "h" }], user: "a\0b" }, "DATABASE_URL_ENCODING"],
  [{ hosts: [{ host: "h" }], password: "\udc00" }, "DATABASE_URL_ENCODING"],
  [{ hosts: [{ host: "h" }], params: { password: "x" } }, "DATABASE_URL_PARAMETER"],
  [{ hosts: [{ host: "h" }], params: { sslmode: "on" } }, "DATABASE_URL_VALUE"],
])("%j cannot be written", (parts, code) => {
  expect(caught(() => buildDatabaseUrl(parts)).code).toBe(code);
});

const text = fc.string({ unit: "grapheme-composite", minLength: 1, maxLength: 12 }).filter((value) => !value.includes("\0"));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const parts = fc.record({
  hosts: fc.array(fc.record({ host: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), text.map((name) => `/${name}`), text, fc.constant("")).filter((host) => !host.includes(",")), port: fc.integer({ min: 1, max: 65_535 }) }), { minLength: 1, maxLength: 4 }),
  user: maybe(text), password: maybe(text), database: maybe(text),
  params: fc.dictionary(fc.constantFrom("application_name", "options", "sslrootcert", "sslpassword", "passfile"), text, { noNullPrototype: true }),
});

test("what is built is parsed back unchanged", () => {
  fc.assert(fc.property(parts, (value) => expect(parseDatabaseUrl(buildDatabaseUrl(value))).toEqual(value)), { numRuns: 1_000 });
});

test("what is parsed and built again means the same", () => {
  const pieces = fc.array(fc.oneof(fc.constantFrom("@", ":", "/", "?", "&", "=", ",", "%41", "%2C", "h", "[::1]", "user=", "port=", "host=", "sslmode=require", "7"), fc.string({ maxLength: 2 })), { maxLength: 10 });
  fc.assert(fc.property(pieces, (tokens) => {
    let first;
    try {
      first = parseDatabaseUrl(`postgres://${tokens.join("")}`);
    } catch (error) {
      expect(error).toBeInstanceOf(DatabaseUrlError);
      return;
    }
    expect(parseDatabaseUrl(buildDatabaseUrl(first))).toEqual(first);
  }), { numRuns: 5_000 });
});

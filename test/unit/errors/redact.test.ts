import { messageOf, redact } from "../../../manager/src/errors";
import fc from "../../support/fast-check";

test.each([
  ["postgres://u:p@h/x", "postgres://u:****@h/x"],
  ["at (postgresql://u:a/b@c@h:1/x), then", "at (postgresql://u:****@h:1/x), then"],
  ["https://u@h:8080/path", "https://u@h:8080/path"],
  ["http://localhost:4873/@scope/name", "http://localhost:4873/@scope/name"],
  ["two: postgres://a:b@c and postgres://d:e@f", "two: postgres://a:****@c and postgres://d:****@f"],
  ["PGPASSWORD=abc psql", "PGPASSWORD=**** psql"],
  ["host=h password='it\\'s' dbname=x", "host=h password=**** dbname=x"],
  ['{"password":"a\\"b","user":"u"}', '{"password":****,"user":"u"}'],
  ["ALTER ROLE x PASSWORD 'it''s' LOGIN", "ALTER ROLE x PASSWORD **** LOGIN"],
  ["Key (password)=(abc) already exists.", "Key (password)=**** already exists."],
  ["client_secret: abc, next", "client_secret: ****, next"],
  ["SCRAM-SHA-256$4096:c2FsdA==$a:b", "****"],
  ["md50123456789abcdef0123456789abcdef", "****"],
  ["Authorization: Bearer abc.def", "Authorization: Bearer ****"],
  ["-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY----- rest", "**** rest"],
  ["the password is wrong", "the password is wrong"],
  ["gcp:secretmanager/secret:Secret secrets-auth-app", "gcp:secretmanager/secret:Secret secrets-auth-app"],
  ["secret:Secret1", "secret:****"],
])("%j", (text, expected) => {
  expect(redact(text)).toBe(expected);
});

test("named secrets disappear in every spelling, also one that begins another", () => {
  const secret = `a/b'c"d\\e f`;
  const text = [secret, encodeURIComponent(secret), JSON.stringify(secret), `'${secret.replaceAll("'", "''")}'`].join(" | ");
  expect(redact(text, ["a/b", secret])).toBe(`**** | **** | "****" | '****'`);
});

const awkward = fc.stringMatching(/^[A-Za-z0-9@:/?#&=%+[\],.!\\-]{0,6}Zq9x[A-Za-z0-9@:/?#&=%+[\],.!\\-]{0,6}$/);

test("a password in a URL disappears, whatever characters are in it", () => {
  fc.assert(fc.property(awkward, fc.string(), fc.string(), (password, before, after) => {
    expect(redact(`${before} postgres://u:${password}@h/x ${after}`)).not.toContain("Zq9x");
  }), { numRuns: 1_000 });
});

test("a named secret disappears from any text, raw, as JSON and percent-encoded", () => {
  const secret = fc.string({ unit: "binary", minLength: 1, maxLength: 12 }).map((text) => `Zq9x${text}`);
  fc.assert(fc.property(secret, fc.string(), (value, around) => {
    const text = `${around}${value}${around} ${JSON.stringify(value)} ${encodeURIComponent(value.toWellFormed())}`;
    expect(redact(text, [value])).not.toContain("Zq9x");
  }), { numRuns: 1_000 });
});

test("any text is taken, and what was hidden stays hidden when it is redacted again", () => {
  const text = fc.array(fc.oneof(fc.constantFrom("://", "u:", "@", "password=", "'", '"', "PASSWORD '", "token: ", "\\", "(", "Bearer ", "SCRAM-SHA-256$"), fc.string({ unit: "binary", maxLength: 4 })), { maxLength: 12 }).map((parts) => parts.join(""));
  fc.assert(fc.property(text, (value) => {
    expect(redact(redact(`${value} postgres://u:Zq9x@h`))).not.toContain("Zq9x");
  }), { numRuns: 3_000 });
});

test("long hostile text is done in a moment", () => {
  for (const piece of ["://", "a://b:", "password='", "a.b-c+", "Bearer "]) expect(typeof redact(piece.repeat(20_000))).toBe("string");
});

test("messageOf reads errors of any realm, joins those of an aggregate, and never throws", () => {
  expect(messageOf(new Error("a"))).toBe("a");
  expect(messageOf(new AggregateError([new Error("a"), new Error("b")]))).toBe("a; b");
  expect(messageOf({ message: "from elsewhere" })).toBe("from elsewhere");
  for (const value of [Object.create(null), new Proxy({}, { get: () => { throw new Error("no"); }, has: () => { throw new Error("no"); } }), Symbol("s"), null, undefined]) expect(typeof messageOf(value)).toBe("string");
});

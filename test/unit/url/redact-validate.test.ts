import { DatabaseUrlBuilder, detectTarget, parseDatabaseUrl, redactUrl, validateDatabaseUrl } from "../../../manager/src/url";
import { caught } from "./support";
import fc from "../../support/fast-check";

describe("redactUrl", () => {
  test.each([
    ["postgresql://u:p@h:1/x?sslmode=require", "postgresql://u:****@h:1/x?sslmode=require"],
    ["postgres://u:p/w@d@h/x", "postgres://u:****@h/x"],
    ["postgres://u:p?q@h/x", "postgres://u:****@h/x"],
    ["postgres://u@h:5432/x", "postgres://u@h:5432/x"],
    ["postgres://u:secret", "postgres://u:****"],
    ["postgres://[::1]:5432/x", "postgres://[::1]:5432/x"],
    ["postgres://h/x?user=u&password=a&b&sslmode=require", "postgres://h/x?user=u&password=****&sslmode=require"],
    ["postgres://h/x?p%61ssword=a", "postgres://h/x?p%61ssword=****"],
    ["postgres://h/x?sslpassword=a&sslkey=k", "postgres://h/x?sslpassword=****&sslkey=k"],
    ["jdbc:postgresql://h/x?user=u&password=a", "jdbc:postgresql://h/x?user=u&password=****"],
    ["u:p@h", "u:****@h"],
    ["host=h password='a b' dbname=x", "host=h password=**** dbname=x"],
    ["", ""],
  ])("%s", (url, expected) => {
    expect(redactUrl(url)).toBe(expected);
  });

  test("a password never gets through, whatever is in it and around it", () => {
    const password = fc.stringMatching(/^[A-Za-z0-9@:/?#&=%+[\],.!]{0,6}Zq9x[A-Za-z0-9@:/?#&=%+[\],.!]{0,6}$/);
    const write = fc.constantFrom(
      (p: string) => `postgres://u:${p}@h:5/x?application_name=a`, (p: string) => `postgresql://:${p}@[::1]`, (p: string) => `postgres://h/x?password=${p}&sslmode=require`,
      (p: string) => `postgresql+asyncpg://u:${encodeURIComponent(p)}@/x?host=a`, (p: string) => `jdbc:postgresql://h/x?user=u&password=${p}`, (p: string) => `u:${p}@h`,
    );
    fc.assert(fc.property(password, write, (p, form) => expect(redactUrl(form(p))).not.toContain("Zq9x")), { numRuns: 2_000 });
  });

  test("what is left of a good URL parses to the same, but for the password", () => {
    const url = "postgresql://u:p%40@a:1,b:2/x?sslmode=require&application_name=t";
    expect(parseDatabaseUrl(redactUrl(url))).toEqual({ ...parseDatabaseUrl(url), password: "****" });
  });

  test("it takes any text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => expect(typeof redactUrl(text)).toBe("string")));
  });
});

describe("validateDatabaseUrl", () => {
  const codes = (url: string) => validateDatabaseUrl(url).map(({ severity, code }) => `${severity} ${code}`);

  test("a complete URL has no problem", () => {
    expect(codes("postgresql://u:p@db.internal/x?sslmode=verify-full&sslrootcert=system")).toEqual([]);
    expect(codes("postgresql://u:p@localhost/x")).toEqual([]);
  });

  test("a URL that cannot be read is one error", () => {
    expect(codes("postgresql://u:p@h:x/y")).toEqual(["error DATABASE_URL_PORT"]);
  });

  test("what works but may not be meant is warned about", () => {
    expect(codes("postgresql://a,b")).toEqual(["warning DATABASE_URL_NO_USER", "warning DATABASE_URL_NO_DATABASE", "warning DATABASE_URL_UNVERIFIED", "warning DATABASE_URL_ANY_SERVER"]);
    expect(codes("postgresql://u@/x")).toEqual(["warning DATABASE_URL_NO_HOST"]);
  });
});

describe("DatabaseUrlBuilder", () => {
  test.each([["docker" as const, "shared-postgres"], ["host" as const, "localhost"]])("in %s the host is %s", (target, host) => {
    expect(DatabaseUrlBuilder.forEnvironment({ target }).build({ user: "u", password: "p", database: "x" })).toBe(`postgresql://u:p@${host}:5432/x?sslmode=verify-full`);
  });

  test("in the cloud the private address must be told, also a socket folder", () => {
    expect(caught(() => DatabaseUrlBuilder.forEnvironment({ target: "cloud" })).code).toBe("DATABASE_URL_TARGET");
    const builder = DatabaseUrlBuilder.forEnvironment({ target: "cloud", privateHost: "/cloudsql/p:r:i", port: 6432, params: { sslmode: "disable" } });
    expect(builder.build({ user: "u", database: "x", params: { application_name: "a" } })).toBe("postgresql://u@%2Fcloudsql%2Fp%3Ar%3Ai:6432/x?sslmode=disable&application_name=a");
  });

  test("the place is found out from the cloud's variables, then from a container's mark", () => {
    expect(detectTarget({ K_SERVICE: "s" }, () => true)).toBe("cloud");
    expect(detectTarget({}, (path) => path === "/.dockerenv")).toBe("docker");
    expect(detectTarget({ K_SERVICE: "" }, () => false)).toBe("host");
  });
});

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { DatabaseUrlError, isSocketHost, parseDatabaseUrl } from "../../../manager/src/url";
import { caught } from "./support";
import fc from "../../support/fast-check";

const parse = (url: string) => parseDatabaseUrl(url);
const codeOf = (url: string) => caught(() => parse(url)).code;

describe("the parts of a URL", () => {
  test("a full URL gives host, port, user, password, database and parameters", () => {
    expect(parse("postgresql://ada:s%40fe@db.internal:6432/shop?sslmode=verify-full&application_name=till")).toEqual({
      hosts: [{ host: "db.internal", port: 6432 }],
      user: "ada",
      password: "s@fe",
      database: "shop",
      params: { sslmode: "verify-full", application_name: "till" },
    });
  });

  test("what is left out is undefined, and the port is 5432", () => {
    expect(parse("postgres://")).toEqual({ hosts: [{ host: "", port: 5432 }], user: undefined, password: undefined, database: undefined, params: {} });
  });

  test("several hosts keep their order and their own ports", () => {
    expect(parse("postgres://a:1,b,[2001:db8::7]:3,%2Frun%2Fpg/x").hosts).toEqual([
      { host: "a", port: 1 }, { host: "b", port: 5432 }, { host: "2001:db8::7", port: 3 }, { host: "/run/pg", port: 5432 },
    ]);
  });

  test("one port in the query holds for every host", () => {
    expect(parse("postgres://a,b/x?port=7").hosts).toEqual([{ host: "a", port: 7 }, { host: "b", port: 7 }]);
  });

  test("hostaddr without a host still counts the servers", () => {
    expect(parse("postgres://?hostaddr=10.0.0.1,10.0.0.2&port=5,6").hosts).toEqual([{ host: "", port: 5 }, { host: "", port: 6 }]);
  });

  test("a password may hold a colon, a question mark and a hash, since only the first @ ends it", () => {
    expect(parse("postgres://u:a:b?c#d@h/x")).toMatchObject({ user: "u", password: "a:b?c#d", hosts: [{ host: "h", port: 5432 }] });
  });

  test("parameters override the parts before them, and the last of a name wins", () => {
    expect(parse("postgres://u:p@h:1/x?user=v&password=q&host=k&port=2&dbname=y&sslmode=disable&sslmode=require")).toEqual({
      hosts: [{ host: "k", port: 2 }], user: "v", password: "q", database: "y", params: { sslmode: "require" },
    });
  });

  test.each([["ssl=true", "require"], ["requiressl=1", "require"], ["requiressl=0", "prefer"]])("%s is an old way to say sslmode=%s", (query, sslmode) => {
    expect(parse(`postgres://h?${query}`).params).toEqual({ sslmode });
  });

  test("spaces around a part are dropped, percent-encoded ones are kept", () => {
    expect(parse("postgres:// u @ h / x ?application_name= %20a ")).toMatchObject({ user: "u", hosts: [{ host: "h", port: 5432 }], database: "x", params: { application_name: " a" } });
  });

  test("a plus is a plus", () => {
    expect(parse("postgres://u:a+b@h?application_name=c+d")).toMatchObject({ password: "a+b", params: { application_name: "c+d" } });
  });

  test("no name from the prototype of objects is a parameter", () => {
    expect(codeOf("postgres://h?__proto__=x")).toBe("DATABASE_URL_PARAMETER");
    expect(codeOf("postgres://h?constructor=x")).toBe("DATABASE_URL_PARAMETER");
  });
});

describe("what libpq refuses is refused", () => {
  test.each([
    ["mysql://h", "DATABASE_URL_SCHEME"], ["POSTGRES://h", "DATABASE_URL_SCHEME"], ["host=h dbname=x", "DATABASE_URL_SCHEME"], ["", "DATABASE_URL_SCHEME"],
    ["postgres://u:%0@h", "DATABASE_URL_ENCODING"], ["postgres://h/%00", "DATABASE_URL_ENCODING"], ["postgres://h/%ff", "DATABASE_URL_ENCODING"], ["postgres://h/a\0b", "DATABASE_URL_ENCODING"], ["postgres://h/\ud800", "DATABASE_URL_ENCODING"],
    ["postgres://h o", "DATABASE_URL_SPACE"], ["postgres://h?options=-c x", "DATABASE_URL_SPACE"],
    ["postgres://[::1", "DATABASE_URL_HOST"], ["postgres://[]:1", "DATABASE_URL_HOST"], ["postgres://[::1]x", "DATABASE_URL_HOST"], ["postgres://a,b?hostaddr=10.0.0.1", "DATABASE_URL_HOST"],
    ["postgres://h:0", "DATABASE_URL_PORT"], ["postgres://h:65536", "DATABASE_URL_PORT"], ["postgres://h:x", "DATABASE_URL_PORT"], ["postgres://h:1.5", "DATABASE_URL_PORT"], ["postgres://h?port=1,2", "DATABASE_URL_PORT"], ["postgres://h:-1", "DATABASE_URL_PORT"],
    ["postgres://h?sslmode", "DATABASE_URL_QUERY"], ["postgres://h?a=b=c", "DATABASE_URL_QUERY"], ["postgres://h?user=x&&user=y", "DATABASE_URL_QUERY"],
    ["postgres://h?sslmod=require", "DATABASE_URL_PARAMETER"], ["postgres://h?schema=public", "DATABASE_URL_PARAMETER"], ["postgres://h?ssl=1", "DATABASE_URL_PARAMETER"],
    ["postgres://h?sslmode=no-verify", "DATABASE_URL_VALUE"], ["postgres://h?sslmode=", "DATABASE_URL_VALUE"], ["postgres://h?connect_timeout=10s", "DATABASE_URL_VALUE"], ["postgres://h?target_session_attrs=master", "DATABASE_URL_VALUE"],
    ["postgres://h?sslrootcert=system&sslmode=require", "DATABASE_URL_VALUE"], ["postgres://h?sslnegotiation=direct", "DATABASE_URL_VALUE"], ["postgres://h?ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2", "DATABASE_URL_VALUE"], ["postgres://h?ssl_min_protocol_version=SSLv3", "DATABASE_URL_VALUE"],
  ])("%j: %s", (url, code) => {
    expect(codeOf(url)).toBe(code);
  });

  test.each([[undefined], [null], [5], [{}]])("%p is no URL", (value) => {
    expect(caught(() => parseDatabaseUrl(value as string)).code).toBe("DATABASE_URL_SCHEME");
  });

  test("a misspelt parameter is answered with the nearest name, and one of another dialect with the dialect", () => {
    expect(caught(() => parse("postgres://h?sslmod=require")).message).toContain('did you mean "sslmode"');
    expect(caught(() => parse("postgres://h?schema=public")).hint).toContain('dialect: "prisma"');
  });
});

describe("dialects", () => {
  test("Prisma's parameters are accepted where Prisma is named, and keep their own values", () => {
    expect(parseDatabaseUrl("postgresql://h/x?schema=public&connection_limit=5&sslmode=require&sslaccept=strict", { dialect: "prisma" }).params)
      .toEqual({ schema: "public", connection_limit: "5", sslmode: "require", sslaccept: "strict" });
  });

  test("a JDBC URL gives user and password in its query, where a plus is a space", () => {
    expect(parseDatabaseUrl("jdbc:postgresql://a:1,b/x?user=u&password=p%2Bq+r&ApplicationName=till&ssl=true", { dialect: "jdbc" }))
      .toEqual({ hosts: [{ host: "a", port: 1 }, { host: "b", port: 5432 }], user: "u", password: "p+q r", database: "x", params: { ApplicationName: "till", ssl: "true" } });
    expect(caught(() => parseDatabaseUrl("postgres://h", { dialect: "jdbc" })).code).toBe("DATABASE_URL_SCHEME");
  });
});

test("no error holds the password, however the URL is broken", () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9@:/?#&=%+ [\],.!'"\\-]{0,6}Zq9x[A-Za-z0-9@:/?#&=%+ [\],.!'"\\-]{0,6}$/);
  const around = fc.constantFrom(
    (p: string) => `postgres://u:${p}@h/x`, (p: string) => `postgresql://:${p}@h:1,[::1]`, (p: string) => `postgres://h/x?password=${p}`, (p: string) => `postgres://u:${p}`,
    (p: string) => `postgre://u:${p}@h`, (p: string) => `postgres://h/x?sslpassword=${p}&sslmode=verify-full`, (p: string) => `jdbc:postgresql://h/x?user=u&password=${p}`,
  );
  fc.assert(fc.property(secret, around, fc.constantFrom("libpq" as const, "prisma" as const, "jdbc" as const), (password, write, dialect) => {
    try {
      parseDatabaseUrl(write(password), { dialect });
    } catch (error) {
      if (!(error instanceof DatabaseUrlError)) throw error;
      expect(`${error.message} ${error.hint} ${String(error.cause)} ${JSON.stringify(error)}`).not.toContain("Zq9x");
    }
  }), { numRuns: 2_000 });
});

test("any text is parsed or refused with a DatabaseUrlError", () => {
  const pieces = fc.array(fc.oneof(fc.constantFrom("postgres://", "@", ":", "/", "?", "&", "=", ",", "[", "]", "%", "%41", "%00", " ", "#", "host", "port", "sslmode", "5432"), fc.string({ unit: "binary", maxLength: 3 })), { maxLength: 14 });
  fc.assert(fc.property(pieces, (parts) => {
    try {
      expect(parse(`postgres://${parts.join("")}`).hosts.length).toBeGreaterThan(0);
    } catch (error) {
      expect(error).toBeInstanceOf(DatabaseUrlError);
    }
  }), { numRuns: 3_000 });
});

const vectors = path.join(process.env["BULKHEAD_SHARED"] ?? path.resolve(__dirname, "../../../../shared"), "vectors/libpq-uri.json");

interface Vector { uri: string; accept: boolean; expected?: Record<string, string>; kind?: "inet" | "local"; env?: Record<string, string> }

(existsSync(vectors) ? describe : describe.skip)("libpq's own regression cases", () => {
  const { cases } = existsSync(vectors) ? (JSON.parse(readFileSync(vectors, "utf8")) as { cases: Vector[] }) : { cases: [] };

  test("all 63 are here", () => expect(cases).toHaveLength(63));

  test.each(cases.map((vector) => [vector.uri, vector] as const))("%s", (uri, vector) => {
    if (!vector.accept) {
      expect(() => parse(uri)).toThrow(DatabaseUrlError);
      return;
    }
    const parsed = parse(uri);
    const { user, password, dbname, host, port, ...params } = vector.expected ?? {};
    // libpq's program prints only what differs from the defaults, one of which an environment variable of the case changes.
    if (vector.env?.["PGSSLROOTCERT"] === "system" && parsed.params["sslmode"] === "verify-full") params["sslmode"] = "verify-full";
    expect(parsed).toEqual({ hosts: [{ host: host ?? "", port: Number(port ?? 5432) }], user, password, database: dbname, params });
    expect(parsed.hosts.every((each) => isSocketHost(each.host)) && params["hostaddr"] === undefined ? "local" : "inet").toBe(vector.kind);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { buildDatabaseUrl, connectionAttempts, formatForDriver, parseDatabaseUrl } from "../../../manager/src/url";
import type { DatabaseDriver } from "../../../manager/src/url";
import { caught } from "./support";
import fc from "../../support/fast-check";

const FULL = "postgresql://ada:p%40s%2Bs%20w@db.internal:6432/shop?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.crt&application_name=till";
let folder: string;
let ca: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "bulkhead-url-"));
  ca = path.join(folder, "ca.crt");
  writeFileSync(ca, "PEM of the authority");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each<[Exclude<DatabaseDriver, "node-postgres">, string]>([
  ["libpq", "host='db.internal' port='6432' user='ada' password='p@s+s w' dbname='shop' sslmode='verify-full' sslrootcert='/etc/ca.crt' application_name='till'"],
  ["jdbc", "jdbc:postgresql://db.internal:6432/shop?user=ada&password=p%40s%2Bs%20w&sslmode=verify-full&ApplicationName=till&sslrootcert=%2Fetc%2Fca.crt"],
  ["sqlalchemy-psycopg", "postgresql+psycopg://ada:p%40s%2Bs%20w@db.internal:6432/shop?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.crt&application_name=till"],
  ["sqlalchemy-asyncpg", "postgresql+asyncpg://ada:p%40s%2Bs%20w@db.internal:6432/shop?ssl=verify-full&dsn=postgresql%3A%2F%2F%3Fsslrootcert%3D%252Fetc%252Fca.crt%26application_name%3Dtill"],
  ["prisma", "postgresql://ada:p%40s%2Bs%20w@db.internal:6432/shop?application_name=till&sslmode=require&sslaccept=strict&sslcert=%2Fetc%2Fca.crt"],
  ["pgx", FULL],
])("%s", (driver, expected) => {
  expect(formatForDriver(FULL, driver)).toBe(expected);
});

describe("node-postgres", () => {
  const config = (query: string) => formatForDriver(`postgres://u:p@h:1/x?${query}`, "node-postgres");

  test("says host, port, user, password, database and keep-alive in its own words", () => {
    expect(config("application_name=till&connect_timeout=3&keepalives_idle=10&options=-c%20a%3Db")).toEqual({
      host: "h", port: 1, user: "u", password: "p", database: "x", ssl: false, application_name: "till", connectionTimeoutMillis: 3000, keepAlive: true, keepAliveInitialDelayMillis: 10_000, options: "-c a=b",
    });
    expect(config("keepalives=0").keepAlive).toBe(false);
  });

  test("disable, allow and no sslmode are plain text at the first attempt", () => {
    expect([config("sslmode=disable").ssl, config("sslmode=allow").ssl, config("").ssl]).toEqual([false, false, false]);
  });

  test.each(["prefer", "require"])("%s encrypts and does not check the certificate", (mode) => {
    expect(config(`sslmode=${mode}`).ssl).toEqual({ rejectUnauthorized: false });
  });

  test("require with the certificate of an authority checks it, but not the host name, as verify-ca does", () => {
    for (const mode of ["require", "verify-ca"]) {
      const { ssl } = config(`sslmode=${mode}&sslrootcert=${encodeURIComponent(ca)}`);
      expect(ssl).toEqual({ rejectUnauthorized: true, ca: "PEM of the authority", checkServerIdentity: expect.any(Function) as unknown });
    }
  });

  test("verify-full checks both, against the authority's file or what Node trusts", () => {
    expect(config(`sslmode=verify-full&sslrootcert=${encodeURIComponent(ca)}`).ssl).toEqual({ rejectUnauthorized: true, ca: "PEM of the authority" });
    expect(config("sslrootcert=system").ssl).toEqual({ rejectUnauthorized: true });
  });

  test("hostaddr is where the socket goes, and the host's name is what the certificate must hold", () => {
    expect(config("hostaddr=10.0.0.9&sslmode=verify-full")).toMatchObject({ host: "10.0.0.9", ssl: { servername: "h" } });
  });

  test("a Unix socket is never encrypted", () => {
    expect(formatForDriver("postgres://%2Frun%2Fpg/x?sslmode=prefer", "node-postgres")).toMatchObject({ host: "/run/pg", ssl: false });
  });

  test("a file that cannot be read is named by its parameter", () => {
    const error = caught(() => config(`sslmode=verify-full&sslrootcert=${encodeURIComponent(path.join(folder, "missing"))}`));
    expect([error.code, error.message]).toEqual(["DATABASE_URL_FILE", 'The file that "sslrootcert" names cannot be read (ENOENT).']);
  });

  test("connectionAttempts gives every host, and for prefer and allow both ways in libpq's order", () => {
    const attempts = (query: string) => connectionAttempts(parseDatabaseUrl(`postgres://a,%2Frun%2Fpg?${query}`)).map(({ host, ssl }) => [host, ssl !== false]);
    expect(attempts("")).toEqual([["a", true], ["a", false], ["/run/pg", false]]);
    expect(attempts("sslmode=allow")).toEqual([["a", false], ["a", true], ["/run/pg", false]]);
    expect(attempts("sslmode=require")).toEqual([["a", true], ["/run/pg", false]]);
  });
});

describe("what a driver cannot express is refused, not dropped", () => {
  test.each<[DatabaseDriver, string]>([
    ["node-postgres", "postgres://a,b/x"], ["node-postgres", "postgres:///x"], ["node-postgres", "postgres://h?target_session_attrs=read-write"], ["node-postgres", "postgres://h?sslmode=verify-ca"],
    ["node-postgres", "postgres://h?channel_binding=require"], ["node-postgres", "postgres://h?tcp_user_timeout=5"], ["node-postgres", "postgres://h?require_auth=scram-sha-256"], ["node-postgres", "postgres://h?client_encoding=LATIN1"], ["node-postgres", "postgres://%40name/x"],
    ["jdbc", "postgres://%2Frun%2Fpg/x"], ["jdbc", "postgres://h?hostaddr=10.0.0.1"], ["jdbc", "postgres://h?require_auth=none"],
    ["sqlalchemy-asyncpg", "postgres://h?connect_timeout=5"], ["sqlalchemy-asyncpg", "postgres://h?sslrootcert=system"], ["sqlalchemy-asyncpg", "postgres://h?hostaddr=10.0.0.1"],
    ["sqlalchemy-psycopg", "postgres://h?application_name="], ["sqlalchemy-psycopg", "postgres://a,/x"],
    ["prisma", "postgres://a,b/x"], ["prisma", "postgres:///x"], ["prisma", "postgres://h?sslmode=verify-ca&sslrootcert=x"], ["prisma", "postgres://h?sslmode=allow"], ["prisma", "postgres://h?sslmode=require&sslrootcert=x"], ["prisma", "postgres://h?sslcert=x"],
    ["pgx", "postgres://h?ssl_min_protocol_version=TLSv1.3"], ["pgx", "postgres://h?hostaddr=10.0.0.1"],
  ])("%s: %s", (driver, url) => {
    expect(caught(() => formatForDriver(url, driver as "libpq")).code).toBe("DATABASE_URL_NOT_EXPRESSIBLE");
  });

  test("every parameter of libpq is expressed, has nothing to say, or is refused by name, for every driver", () => {
    const known = { keepalives: "1", connect_timeout: "5", ssl_min_protocol_version: "TLSv1.2", sslmode: "verify-full", sslrootcert: "system", target_session_attrs: "any", application_name: "x", options: "-c a=b" };
    for (const driver of ["libpq", "jdbc", "sqlalchemy-asyncpg", "sqlalchemy-psycopg", "prisma", "pgx", "node-postgres"] as const) {
      for (const [name, value] of Object.entries(known)) {
        try {
          formatForDriver(buildDatabaseUrl({ hosts: [{ host: "h" }], params: { [name]: value } }), driver as "libpq");
        } catch (error) {
          expect(String(error)).toContain(name);
        }
      }
    }
  });
});

describe("other forms of host", () => {
  test.each<[Exclude<DatabaseDriver, "node-postgres">, string, string]>([
    ["libpq", "postgres://%2Frun%2Fpg:1/x", "host='/run/pg' port='1' dbname='x'"],
    ["libpq", "postgres://u:it's%5C@/x", "port='5432' user='u' password='it\\'s\\\\' dbname='x'"],
    ["libpq", "postgres://a:1,b:2/x", "host='a,b' port='1,2' dbname='x'"],
    ["jdbc", "postgres://a:1,[::1]:2/x?target_session_attrs=read-write&load_balance_hosts=random", "jdbc:postgresql://a:1,[::1]:2/x?targetServerType=primary&loadBalanceHosts=true"],
    ["jdbc", "postgres://h/x?sslrootcert=system", "jdbc:postgresql://h:5432/x?sslmode=verify-full&sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory"],
    ["sqlalchemy-psycopg", "postgres://a:1,b:2/x", "postgresql+psycopg:///x?host=a%2Cb&port=1%2C2"],
    ["sqlalchemy-psycopg", "postgres://[::1]/x", "postgresql+psycopg://[::1]:5432/x"],
    ["sqlalchemy-asyncpg", "postgres://u@%2Frun%2Fpg/x", "postgresql+asyncpg://u@/x?host=%2Frun%2Fpg&port=5432"],
    ["prisma", "postgres://u:p@%2Frun%2Fpg/x", "postgresql://u:p@localhost:5432/x?host=%2Frun%2Fpg"],
    ["pgx", "postgres://a:1,%2Frun%2Fpg:2/x", "postgresql:///x?host=a%2C%2Frun%2Fpg&port=1%2C2"],
    ["pgx", "postgres://h/x?sslrootcert=system", "postgresql://h:5432/x?sslmode=verify-full"],
  ])("%s: %s", (driver, url, expected) => {
    expect(formatForDriver(url, driver)).toBe(expected);
  });
});

describe("from other dialects", () => {
  test("Prisma's schema becomes the search path elsewhere and stays itself for Prisma", () => {
    const url = "postgresql://u@h/x?schema=Shop%20A&sslmode=verify-full&sslrootcert=%2Fca";
    expect(formatForDriver(url, "pgx", { dialect: "prisma" })).toContain("options=-c%20search_path%3D%22Shop%5C%20A%22");
    expect(formatForDriver(url, "prisma", { dialect: "prisma" })).toBe("postgresql://u@h:5432/x?schema=Shop%20A&sslmode=require&sslaccept=strict&sslcert=%2Fca");
  });

  test("Prisma's strict checking is verify-full", () => {
    expect(formatForDriver("postgresql://h/x?sslmode=require&sslaccept=strict&sslcert=%2Fca", "libpq", { dialect: "prisma" })).toBe("host='h' port='5432' dbname='x' sslmode='verify-full' sslrootcert='/ca'");
  });

  test("a setting of Prisma's pool is refused elsewhere", () => {
    expect(caught(() => formatForDriver("postgresql://h/x?connection_limit=3", "libpq", { dialect: "prisma" })).message).toContain("connection_limit");
  });

  test("a JDBC URL is understood by the others", () => {
    expect(formatForDriver("jdbc:postgresql://h/x?user=u&ssl&ApplicationName=a&targetServerType=primary&currentSchema=shop", "libpq", { dialect: "jdbc" }))
      .toBe("host='h' port='5432' user='u' dbname='x' sslmode='verify-full' application_name='a' target_session_attrs='read-write' options='-c search_path=shop'".replace("read-write", "primary"));
  });
});

const plain = fc.string({ unit: "grapheme-composite", minLength: 1, maxLength: 10 }).filter((value) => !value.includes("\0"));
const urls = fc.record({
  hosts: fc.array(fc.record({ host: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()), port: fc.integer({ min: 1, max: 65_535 }) }), { minLength: 1, maxLength: 3 }),
  user: plain, password: plain, database: plain,
  params: fc.record({ sslmode: fc.constantFrom("disable", "allow", "prefer", "require", "verify-ca", "verify-full"), application_name: plain }, { noNullPrototype: true }),
});

test("JDBC and pgx URLs lead back to the same connection", () => {
  fc.assert(fc.property(urls, (url) => {
    const jdbc = parseDatabaseUrl(formatForDriver(url, "jdbc"), { dialect: "jdbc" });
    const { ApplicationName, ...params } = jdbc.params;
    expect({ ...jdbc, params: { ...params, application_name: ApplicationName } }).toEqual(url);
    expect(parseDatabaseUrl(formatForDriver(url, "pgx"))).toEqual(url);
  }));
});

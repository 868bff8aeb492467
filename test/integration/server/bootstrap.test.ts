import { Client } from "pg";
import type { TestServer } from "../../support/server";
import { startTestServer } from "../../support/server";

let server: TestServer;
let admin: Client;

function connect(overrides: Partial<ConstructorParameters<typeof Client>[0] & object> = {}): Client {
  const { host, port, username: user, password, ca, dbname: database } = server.adminSecret;
  return new Client({ host, port, user, password, database, ssl: { ca }, ...overrides });
}

async function failure(client: Client): Promise<string> {
  try {
    await client.connect();
  } catch (error) {
    return `${(error as { code?: string }).code ?? ""} ${(error as Error).message}`;
  } finally {
    await client.end().catch(() => undefined);
  }
  return "connected";
}

async function value(client: Client, sql: string): Promise<unknown> {
  const { rows } = await client.query<Record<string, unknown>>(sql);
  return Object.values(rows[0] ?? {})[0];
}

beforeAll(async () => {
  server = await startTestServer();
  admin = connect();
  await admin.connect();
});

afterAll(async () => {
  await admin?.end();
  await server?.stop();
});

test("the secret file logs the admin in over verified TLS 1.2 or newer", async () => {
  expect(await value(admin, "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")).toMatch(/^TLSv1\.[23]$/);
  expect(await failure(new Client({ connectionString: server.adminSecret.url, options: "" }))).toBe("connected");
});

test("the admin creates roles and databases, watches and signals, and is no superuser", async () => {
  const { rows } = await admin.query("SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolconnlimit FROM pg_roles WHERE rolname = current_user");
  expect(rows).toEqual([{ rolsuper: false, rolcreaterole: true, rolcreatedb: true, rolreplication: false, rolbypassrls: false, rolconnlimit: expect.any(Number) as number }]);
  expect(await value(admin, "SELECT array_agg(roleid::regrole::text || ' ' || admin_option || inherit_option ORDER BY 1) FROM pg_auth_members WHERE member = 'bulkhead_admin'::regrole AND roleid::regrole::text IN ('pg_monitor', 'pg_signal_backend')")).toEqual(["pg_monitor truetrue", "pg_signal_backend truetrue"]);
});

test("nobody gets in as the superuser, without TLS, or with a wrong password", async () => {
  expect(await failure(connect({ user: "postgres", password: "postgres" }))).toMatch(/^28000 pg_hba.conf rejects/);
  expect(await failure(connect({ ssl: false }))).toMatch(/^28000 .*no encryption/);
  expect(await failure(connect({ password: "wrong" }))).toMatch(/^28P01/);
});

test("a client that trusts another authority refuses the server", async () => {
  expect(await failure(connect({ ssl: { rejectUnauthorized: true } }))).toMatch(/certificate/);
});

test("PUBLIC may not connect to any database that bootstrap leaves", async () => {
  expect(await value(admin, "SELECT array_agg(datname::text) FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) acl WHERE acl.grantee = 0 AND datallowconn")).toBeNull();
});

test("the admin clones the template for another owner, who cannot read the statistics that the admin can", async () => {
  await admin.query("CREATE ROLE shop_owner NOLOGIN");
  await admin.query("GRANT shop_owner TO bulkhead_admin WITH SET TRUE, INHERIT FALSE");
  await admin.query("CREATE DATABASE shop_db TEMPLATE bulkhead_template OWNER shop_owner");
  const inShop = connect({ database: "shop_db" });
  await inShop.connect();
  try {
    // SECURITY DEFINER: shows the owner what only the admin may read.
    await inShop.query(`CREATE FUNCTION extensions.own_statements() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, extensions
      AS $$ SELECT count(*) FROM extensions.pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) $$`);
    await inShop.query("GRANT USAGE ON SCHEMA extensions TO shop_owner");
    await inShop.query("SET ROLE shop_owner");
    await inShop.query("SELECT 'a statement to find'");
    expect(Number(await value(inShop, "SELECT extensions.own_statements()"))).toBeGreaterThan(0);
    await expect(inShop.query("SELECT * FROM extensions.pg_stat_statements")).rejects.toMatchObject({ code: "42501" });
    await expect(inShop.query("SELECT * FROM extensions.pg_stat_statements_info")).rejects.toMatchObject({ code: "42501" });
    await inShop.query("CREATE TABLE public.orders (id int)");
  } finally {
    await inShop.end();
  }
});

test("text sorts by code point and is UTF-8, with data checksums on, whatever locale the machine has", async () => {
  expect(await value(admin, "SELECT array_agg(x ORDER BY x) FROM unnest(ARRAY['b', 'B', 'ä', 'a']) x")).toEqual(["B", "a", "b", "ä"]);
  expect(await value(admin, "SELECT datlocprovider::text || ' ' || datlocale || ' ' || pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'bulkhead_template'")).toBe("b C.UTF-8 UTF8");
  expect(await value(admin, "SHOW data_checksums")).toBe("on");
  expect(await value(admin, "SHOW timezone")).toBe("UTC");
});

test("the catalog never shows a password's verifier to statistics", async () => {
  await admin.query("CREATE ROLE watched LOGIN PASSWORD 'SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='");
  await admin.query("CREATE DATABASE watch_db TEMPLATE bulkhead_template");
  const inWatch = connect({ database: "watch_db" });
  await inWatch.connect();
  try {
    expect(await value(inWatch, "SELECT count(*) FROM extensions.pg_stat_statements WHERE query LIKE '%SCRAM%' AND query NOT LIKE '%pg_stat_statements%'")).toBe("0");
  } finally {
    await inWatch.end();
  }
});


import { clickHouseDialect } from "../../../manager/src/clickhouse/dialect";
import type { ClickHouseDialect } from "../../../manager/src/clickhouse/dialect";
import { CLOUD_LIMITS, DEVELOPER_LIMITS } from "../../../manager/src/clickhouse/limits";
import { clickHouseUser, elementName } from "../../../manager/src/clickhouse/names";
import { escapeXml, quoteIdentifier, quoteText } from "../../../manager/src/clickhouse/quoting";
import { clickHouseSecret, hashPassword } from "../../../manager/src/clickhouse/secret";
import { renderBaseUsers, renderServerConfig, renderServerOverlay } from "../../../manager/src/clickhouse/server-config";
import { LOOPBACK, renderUsers, usersMark } from "../../../manager/src/clickhouse/users";
import { assertWellFormed, unescapeXml } from "../../support/xml";
import fc from "../../support/fast-check";

const HASH = hashPassword("secret");
const OPTIONS = { dialect: "grants", networks: LOOPBACK, limits: DEVELOPER_LIMITS } as const;
const DIALECTS: readonly ClickHouseDialect[] = ["grants", "allow-databases"];

describe("users", () => {
  it("have, with grants, their own database without dictionaries, a quota, a profile that cannot be widened, and nothing else", () => {
    const text = renderUsers([{ ...clickHouseUser("user-files"), passwordSha256: HASH }], OPTIONS);
    expect(unescapeXml(text)).toContain("<grants><query>GRANT ALL ON `user_files`.*</query><query>REVOKE CREATE DICTIONARY ON `user_files`.*</query></grants>");
    expect(text).toContain("<access_management>0</access_management>");
    expect(text).toContain("<networks><ip>127.0.0.1</ip><ip>::1</ip></networks>");
    expect(text).toContain("<quota>user_files</quota>");
    expect(text).toContain(`<password_sha256_hex>${HASH}</password_sha256_hex>`);
    // An execution time of 0 is one without end.
    expect(text).toContain("<max_execution_time><min>1</min><max>600</max></max_execution_time>");
    expect(text).toContain("<max_memory_usage_for_user><readonly/></max_memory_usage_for_user>");
    expect(text).not.toMatch(/ON \*\.\*|allow_databases|default_database/);
  });

  it("have, on servers without grants, a list of databases, and nothing that such a server takes for a setting that it does not know", () => {
    const text = renderUsers([{ ...clickHouseUser("backend"), passwordSha256: HASH }], { ...OPTIONS, dialect: "allow-databases" });
    expect(text).toContain("<allow_databases><database>backend</database></allow_databases>");
    expect(text).toMatch(/^<yandex>/);
    expect(text).not.toMatch(/grants|constraints/);
  });

  it("replace all that the files before them have, so no user without a password stays", () => {
    for (const dialect of DIALECTS) expect(renderUsers([], { ...OPTIONS, dialect })).toContain('<users replace="1">');
  });

  it("may come from another file's password: then none is in this one", () => {
    expect(renderUsers([clickHouseUser("backend")], OPTIONS)).not.toContain("password");
  });

  it("carry a mark that is another one as soon as anything differs, and bounds nothing", () => {
    const mark = (more: object, hash = HASH): bigint => BigInt(usersMark(renderUsers([{ ...clickHouseUser("backend"), passwordSha256: hash }], { ...OPTIONS, ...more })) ?? "0");
    const marks = [mark({}), mark({}, hashPassword("another")), mark({ networks: ["10.0.0.0/8"] }), mark({ limits: CLOUD_LIMITS }), mark({ dialect: "allow-databases" })];
    expect(new Set(marks).size).toBe(marks.length);
    expect(mark({})).toBe(marks[0]);
    for (const each of marks) expect(each >= 2n ** 62n && each < 2n ** 63n).toBe(true);
    expect(usersMark("<clickhouse/>")).toBeUndefined();
  });

  it("are well-formed with any names of databases and networks, which stay text within XML and one identifier within SQL", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "`", "\\", "<", ">", "&", '"', "'", " ", "*", ";") });
    fc.assert(
      fc.property(fc.constantFrom(...DIALECTS), text, text, (dialect, database, network) => {
        const xml = renderUsers([{ name: "backend", database, passwordSha256: HASH }], { ...OPTIONS, dialect, networks: [network] });
        assertWellFormed(xml);
        expect(xml.match(/<query>/g)?.length ?? 0).toBe(dialect === "grants" ? 2 : 0);
        expect(unescapeXml(xml)).toContain(dialect === "grants" ? `GRANT ALL ON ${quoteIdentifier(database)}.*` : `<database>${database}</database>`);
      }),
    );
  });

  it("have no name that is no element's, or the server's own", () => {
    for (const name of ["default", "system", "information_schema", "Backend", "a b", "a><b", "", "1a", "a-b", "é"]) {
      expect(() => elementName(name)).toThrow(expect.objectContaining({ code: "CLICKHOUSE_NAME" }) as Error);
      expect(() => renderUsers([{ name, database: "x" }], OPTIONS)).toThrow("cannot be the name");
    }
  });

  it("have no hash that is none", () => {
    for (const passwordSha256 of ["", "secret", `${HASH}\n`, HASH.toUpperCase()]) expect(() => renderUsers([{ ...clickHouseUser("backend"), passwordSha256 }], OPTIONS)).toThrow("not a SHA-256");
  });
});

describe("quoting", () => {
  it("keeps text of any kind through XML, and refuses what XML cannot hold", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        let escaped: string;
        try {
          escaped = escapeXml(text);
        } catch {
          // eslint-disable-next-line no-control-regex -- control characters are what is looked for
          expect(!text.isWellFormed() || /[\u0000-\u001f\ufffe\uffff]/.test(text)).toBe(true);
          return;
        }
        expect(escaped).not.toMatch(/[<>"']/);
        expect(unescapeXml(escaped)).toBe(text);
      }),
    );
  });

  it("ends identifiers and texts of SQL at their last character, whatever is in them", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", "`", "\\", "'", '"', " ") }), (text) => {
        expect(quoteIdentifier(text)).toMatch(/^`(?:[^`\\]|\\[`\\])*`$/);
        expect(quoteText(text)).toMatch(/^'(?:[^'\\]|\\['\\])*'$/);
      }),
    );
  });
});

describe("a server's configuration", () => {
  const options = { listenHosts: ["127.0.0.1", "::1"], httpsPort: 28443, tls: { certificate: "/tls/server.crt", key: "/tls/server.key" }, dataDirectory: "/data/", usersFile: "/etc/users.xml", logFile: "/log/server.log", maxMemoryBytes: 1 << 30 } as const;

  it("has one port, HTTPS, and none that speaks plainly", () => {
    for (const dialect of DIALECTS) {
      const text = renderServerConfig({ ...options, dialect });
      assertWellFormed(text);
      expect(text).toContain("<https_port>28443</https_port>");
      expect(text).not.toMatch(/http_port>|<tcp_port|mysql_port|postgresql_port|interserver/);
      expect(text).toContain("<disableProtocols>sslv2,sslv3,tlsv1,tlsv1_1</disableProtocols>");
      expect(text).toContain("<path>/data/</path>");
      expect(text).toContain("<remote_url_allow_hosts></remote_url_allow_hosts>");
      // Users made by SQL would be kept in a folder of that name.
      expect(text).not.toMatch(/access_control_path|query_log/);
      assertWellFormed(renderBaseUsers(dialect));
    }
  });

  it("hides system tables from users where the server knows how to", () => {
    expect(renderServerConfig({ ...options, dialect: "grants" })).toContain("<select_from_system_db_requires_grant>true");
    expect(renderServerConfig({ ...options, dialect: "allow-databases" })).not.toContain("access_control_improvements");
  });

  it("keeps hostile paths as text", () => {
    const text = renderServerConfig({ ...options, dialect: "grants", dataDirectory: "/a</path><tcp_port>9000</tcp_port>", logFile: null });
    assertWellFormed(text);
    expect(text).not.toContain("<tcp_port>");
    expect(text).toContain("<console>1</console>");
  });

  it("over an image's own takes the plain ports away", () => {
    const text = renderServerOverlay(options.tls);
    assertWellFormed(text);
    for (const port of ["http_port", "tcp_port", "mysql_port", "postgresql_port", "interserver_http_port"]) expect(text).toContain(`<${port} remove="1"/>`);
  });
});

it.each([
  ["18.16.1", "allow-databases"],
  ["22.8.1.1", "allow-databases"],
  ["23.7.4.5", "allow-databases"],
  ["23.8.1.2992", "grants"],
  ["23.10.1", "grants"],
  ["24.1", "grants"],
  ["25.8.2.29", "grants"],
  ["", "allow-databases"],
  ["nonsense", "allow-databases"],
])("a server of version %j takes %s", (version, dialect) => {
  expect(clickHouseDialect(version)).toBe(dialect);
});

it("a secret names the service's own user and database, and its URL says the same", () => {
  const secret = clickHouseSecret({ host: "localhost", port: 8443, ca: "PEM" }, "user-files", "p-_1");
  expect(secret).toEqual({ host: "localhost", port: 8443, ca: "PEM", username: "user_files", password: "p-_1", scope: "user_files", url: "https://user_files:p-_1@localhost:8443/user_files" });
  expect(new URL(clickHouseSecret({ host: "::1", port: 1, ca: "PEM" }, "a", "b").url).hostname).toBe("[::1]");
});

import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SCRIPT = readFileSync(join(__dirname, "../../../components/gcp/stores/clickhouse/refresh.sh"), "utf8");
const PEM = "-----BEGIN PRIVATE KEY-----\nkey\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\ncertificate\n-----END CERTIFICATE-----\n";
const HASHES = { backend: "a".repeat(64), auth: "b".repeat(64) };

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(realpathSync(tmpdir()), "bulkhead-refresh-"));
  for (const part of ["bin", "attributes", "secrets"]) mkdirSync(join(folder, part));
  // Google's metadata server and Secret Manager as files; what else the machine would do is written down.
  stub(
    "curl",
    `for argument; do url=$argument; done
echo "$*" >> '${folder}/curl-arguments'
case $url in
  */instance/attributes/*) cat "${folder}/attributes/\${url##*/}" ;;
  */token) echo '{"access_token":"the-token","expires_in":3599,"token_type":"Bearer"}' ;;
  */project-id) printf example ;;
  */versions/latest:access)
    [[ $(cat) == 'header = "Authorization: Bearer the-token"' ]] || exit 22
    id=\${url%/versions/*}
    [[ -e "${folder}/secrets/\${id##*/}" ]] || exit 22
    printf '{\\n  "name": "projects/1/secrets/x",\\n  "payload": {\\n    "data": "%s",\\n    "dataCrc32c": "1"\\n  }\\n}\\n' "$(base64 -w 0 "${folder}/secrets/\${id##*/}")" ;;
  *) exit 6 ;;
esac`,
  );
  stub("systemctl", `echo "$*" >> '${folder}/systemctl'`);
  stub("chown", "exit 0");
  stub("install", 'for argument; do last=$argument; done; mkdir -p "$last"');
  attribute("clickhouse-server-config", "<clickhouse>server</clickhouse>\n");
  attribute("clickhouse-databases", "<clickhouse>databases</clickhouse>\n");
  attribute("clickhouse-users", "<clickhouse>users</clickhouse>\n");
  attribute("clickhouse-image", "clickhouse/clickhouse-server:25.8");
  attribute("clickhouse-tls-secret", "tls");
  attribute("clickhouse-hashes", "backend hash-backend\nauth hash-auth\n");
  secret("tls", PEM);
  secret("hash-backend", HASHES.backend);
  secret("hash-auth", HASHES.auth);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function stub(name: string, body: string): void {
  writeFileSync(join(folder, "bin", name), `#!/bin/bash\n${body}\n`);
  chmodSync(join(folder, "bin", name), 0o755);
}
const attribute = (name: string, value: string): void => writeFileSync(join(folder, "attributes", name), value);
const secret = (id: string, value: string): void => writeFileSync(join(folder, "secrets", id), value);
const written = (path: string): string => readFileSync(join(folder, "clickhouse", path), "utf8");

/** Runs the script as the machine would, with its folder in /run moved. */
function refresh(...args: string[]): { readonly status: number | null; readonly stderr: string; readonly restarts: string } {
  const { status, stderr } = spawnSync("bash", ["--norc", "-c", SCRIPT.replaceAll("/run/clickhouse", join(folder, "clickhouse")), "refresh.sh", ...args], {
    env: { PATH: `${join(folder, "bin")}:${process.env["PATH"] ?? ""}` },
    encoding: "utf8",
    timeout: 60_000,
  });
  const log = join(folder, "systemctl");
  return { status, stderr, restarts: existsSync(log) ? readFileSync(log, "utf8") : "" };
}

test("before a start all of the configuration is there, for the server alone to read", () => {
  expect(refresh("start")).toEqual({ status: 0, stderr: "", restarts: "" });
  expect(written("config.d/databases.xml")).toContain("databases");
  expect(written("tls/server.pem")).toBe(PEM);
  expect(written("users.d/password-backend.xml")).toBe(`<clickhouse><users><backend><password_sha256_hex>${HASHES.backend}</password_sha256_hex></backend></users></clickhouse>\n`);
  expect(written("image")).toBe("clickhouse/clickhouse-server:25.8");
  expect(statSync(join(folder, "clickhouse/tls/server.pem")).mode & 0o077).toBe(0);
  expect(readdirSync(folder).filter((name) => name.startsWith("clickhouse-next"))).toEqual([]);
});

test("a rotated password arrives without a restart, and touches no other file", () => {
  refresh("start");
  const before = statSync(join(folder, "clickhouse/users.d/password-auth.xml")).ino;
  secret("hash-backend", "c".repeat(64));
  expect(refresh()).toEqual({ status: 0, stderr: "", restarts: "" });
  expect(written("users.d/password-backend.xml")).toContain("c".repeat(64));
  expect(statSync(join(folder, "clickhouse/users.d/password-auth.xml")).ino).toBe(before);
});

test("another database, or another image, restarts the server once it is written", () => {
  refresh("start");
  attribute("clickhouse-databases", "<clickhouse>more</clickhouse>\n");
  expect(refresh().restarts).toBe("restart --no-block clickhouse.service\n");
  expect(written("config.d/databases.xml")).toContain("more");
  refresh("start");
  expect(refresh().restarts).toBe("restart --no-block clickhouse.service\n");
  attribute("clickhouse-image", "clickhouse/clickhouse-server:26.1");
  expect(refresh().restarts).toBe("restart --no-block clickhouse.service\n".repeat(2));
});

test("a service that is gone loses its password", () => {
  refresh("start");
  attribute("clickhouse-hashes", "backend hash-backend\n");
  expect(refresh().status).toBe(0);
  expect(readdirSync(join(folder, "clickhouse/users.d")).sort()).toEqual(["bulkhead.xml", "password-backend.xml"]);
});

test.each([
  ["no version yet", () => rmSync(join(folder, "secrets/hash-auth"))],
  ["no hash in it", () => secret("hash-auth", "hunter2")],
  ["XML in it", () => secret("hash-auth", `${"a".repeat(64)}</password_sha256_hex>`)],
  ["a certificate without its key", () => secret("tls", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")],
])("a secret with %s fails the run and leaves everything as it was", (_, spoil) => {
  refresh("start");
  attribute("clickhouse-users", "<clickhouse>newer</clickhouse>\n");
  spoil();
  const { status, stderr } = refresh();
  expect(status).not.toBe(0);
  expect(stderr).not.toContain("hunter2");
  expect(written("users.d/bulkhead.xml")).toContain("users");
  expect(written("users.d/password-auth.xml")).toContain(HASHES.auth);
});

test("the machine's token is in no argument, where every process could read it", () => {
  refresh("start");
  expect(readFileSync(join(folder, "curl-arguments"), "utf8")).not.toContain("the-token");
});

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseDockerConfig } from "../../../components/docker/config";
import { checkoutHash } from "../../../components/docker/names";
import { dockerPaths } from "../../../components/docker/paths";
import { presentCertificate, writeServerFiles } from "../../../components/docker/prepare";
import { serverSpecs } from "../../../components/docker/servers";
import { configHash, writeConfigFolder } from "../../../components/docker/write-config";
import { parseStackConfig } from "../../../components/stack-config";
import { defineServices } from "../../../manager/src/catalog/define-services";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "bulkhead-config-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test("a folder holds what it should and nothing else, and what is right is not written again", () => {
  const folder = join(root, "config");
  writeConfigFolder(folder, { "start.sh": "one\n", "deep/users.xml": "users\n" });
  writeFileSync(join(folder, "left-over.conf"), "");
  const { ino } = statSync(join(folder, "start.sh"));
  writeConfigFolder(folder, { "start.sh": "one\n", "deep/users.xml": "others\n" });
  expect(readdirSync(folder).sort()).toEqual(["deep", "start.sh"]);
  expect(statSync(join(folder, "start.sh")).ino).toBe(ino);
  expect(readFileSync(join(folder, "deep", "users.xml"), "utf8")).toBe("others\n");
  expect(modeOf(join(folder, "start.sh"))).toBe(0o644);
});

test("the hash is that of names and contents, in whatever order", () => {
  expect(configHash({ a: "1", b: "2" })).toBe(configHash({ b: "2", a: "1" }));
  const others = [{ a: "1", b: "3" }, { a: "1" }, { a: "1", c: "2" }, { a: '1","b":"2' }].map(configHash);
  expect(new Set([configHash({ a: "1", b: "2" }), ...others]).size).toBe(5);
});

test("a checkout is told from another, and its path cannot be read from that", () => {
  expect(checkoutHash("/home/ada/shop")).toMatch(/^[0-9a-f]{16}$/);
  expect(checkoutHash("/home/ada/shop")).not.toBe(checkoutHash("/home/ada/shop2"));
});

describe("what the servers' containers mount", () => {
  const catalog = defineServices({ auth: { port: 5500, redis: true, clickhouse: true } });
  const config = parseDockerConfig(parseStackConfig("dev", { "bulkhead:target": "docker" }), catalog);
  const context = () => ({ root, stack: "dev", progress: () => {} });

  it("is there before a container is: certificates, configurations, and folders of users", async () => {
    const paths = dockerPaths(context());
    expect(presentCertificate(paths)).toBeUndefined();
    const { certificate } = await writeServerFiles(context(), serverSpecs(config, catalog), config);
    expect(presentCertificate(paths)).toBe(certificate);
    expect(modeOf(paths.directory)).toBe(0o700);
    expect(readdirSync(paths.tls).sort()).toEqual(["ca.crt", "server.crt", "server.key"]);
    expect(readdirSync(paths.config.postgres).sort()).toEqual(["common.sh", "health.sh", "pg_hba.conf", "pg_ident.conf", "postgresql.conf", "programs.sh", "start.sh"]);
    expect(readdirSync(paths.config.clickhouse)).toEqual(expect.arrayContaining(["grants.config.xml", "allow-databases.config.xml"]));
    expect(readFileSync(paths.aclFile, "utf8")).toMatch(/^user default reset off .*\nuser bulkhead_admin reset on #[0-9a-f]{64} /);
    expect(modeOf(paths.redisAdminSecret)).toBe(0o600);
    expect(readdirSync(paths.users.clickhouse)).toEqual([]);
  });

  it("keeps users and certificates that are there, and closes what was opened", async () => {
    const paths = dockerPaths(context());
    mkdirSync(paths.directory, { recursive: true, mode: 0o755 });
    const specs = serverSpecs(config, catalog);
    const first = await writeServerFiles(context(), specs, config);
    const acl = readFileSync(paths.aclFile, "utf8");
    writeFileSync(join(paths.users.clickhouse, "bulkhead.xml"), "<users/>");
    expect(await writeServerFiles(context(), specs, config)).toEqual(first);
    expect(readFileSync(paths.aclFile, "utf8")).toBe(acl);
    expect(readdirSync(paths.users.clickhouse)).toEqual(["bulkhead.xml"]);
    expect(modeOf(paths.directory)).toBe(0o700);
  });

  it("shows no configuration the password of anybody", async () => {
    const paths = dockerPaths(context());
    await writeServerFiles(context(), serverSpecs(config, catalog), config);
    const { password } = JSON.parse(readFileSync(paths.redisAdminSecret, "utf8")) as { password: string };
    for (const folder of [...Object.values(paths.config), paths.users.redis]) for (const file of readdirSync(folder)) expect(readFileSync(join(folder, file), "utf8")).not.toContain(password);
  });
});

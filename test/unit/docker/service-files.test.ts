import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { dockerPaths } from "../../../components/docker/paths";
import { renderServiceFiles } from "../../../components/docker/services/service-files";
import { withServiceFiles, writeServiceFiles } from "../../../components/docker/services/write-service-files";
import type { TierAccess } from "../../../components/tier";
import { defineServices } from "../../../manager/src/catalog/define-services";
import { clickHouseSecret } from "../../../manager/src/clickhouse/secret";
import { makeRedisSecret } from "../../../manager/src/redis/secret";
import { fileSecretStore, fileStoreSecrets } from "../../../manager/src/secrets/file-store";
import { makeSecret, parseSecret } from "../../../manager/src/secrets/secret";
import type { DatabaseSecret } from "../../../manager/src/secrets/secret";
import { parseStoreSecret } from "../../../manager/src/stores/store-secret";
import { formatForDriver, parseDatabaseUrl } from "../../../manager/src/url";

const CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const catalog = defineServices({
  auth: { port: 5500, redis: true, clickhouse: true, calls: ["user-files"] },
  payment: { port: 3004, urlParameters: { schema: "public" } },
  "user-files": { port: 3005 },
  frontend: { port: 3000, database: null, calls: ["auth"] },
});
const service = (name: string) => catalog.services.find((candidate) => candidate.name === name)!;

const CA_PATH = "/home/a b/.bulkhead/dev/docker/tls/ca.crt";
const endpoint = { host: "localhost", port: 15432, ca: CA, caPath: CA_PATH };
const database = (name: string, password = "p".repeat(32)): DatabaseSecret => makeSecret(endpoint, { dbname: `${name.replace("-", "_")}_db`, username: `${name.replace("-", "_")}_user`, password, urlParameters: service(name).urlParameters });
const redis = makeRedisSecret({ host: "localhost", port: 16379, ca: CA }, { username: "auth", password: "r".repeat(32), scope: "auth:" });
const clickhouse = clickHouseSecret({ host: "localhost", port: 18443, ca: CA }, "auth", "c".repeat(32));

const variablesOf = (text: string): Record<string, string> => Object.fromEntries(text.split("\n").flatMap((line) => (line === "" || line.startsWith("#") ? [] : [[line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]])));

describe("a service's files", () => {
  const files = renderServiceFiles(service("auth"), catalog, { database: database("auth"), stores: { redis, clickhouse } }, CA_PATH);

  it("lead to the servers' names and ports of the network, whatever those of the host are", () => {
    const inside = variablesOf(files.env);
    expect(inside["DATABASE_URL"]).toBe(`postgresql://auth_user:${"p".repeat(32)}@shared-postgres:5432/auth_db?sslmode=verify-full&sslrootcert=%2Frun%2Fbulkhead%2Fca.crt`);
    expect(inside).toMatchObject({ PORT: "5500", REDIS_URL: `rediss://auth:${"r".repeat(32)}@shared-redis:6379`, CLICKHOUSE_URL: `https://auth:${"c".repeat(32)}@shared-clickhouse:8443/auth`, USER_FILES_URL: "http://user-files:3005", NODE_EXTRA_CA_CERTS: "/run/bulkhead/ca.crt" });
  });

  it("lead programs on the host to localhost, with the same logins", () => {
    const outside = variablesOf(files.hostEnv);
    expect(outside["DATABASE_URL"]).toBe(database("auth").url);
    expect(outside).toMatchObject({ REDIS_URL: redis.url, CLICKHOUSE_URL: clickhouse.url, USER_FILES_URL: "http://localhost:3005", NODE_EXTRA_CA_CERTS: CA_PATH });
  });

  it("hold whole secrets for the manager library, and the authority", () => {
    expect(Object.keys(files.mounted).sort()).toEqual(["ca.crt", "clickhouse.json", "database.json", "redis.json"]);
    const secret = parseSecret(files.mounted["database.json"]!)!;
    expect(secret).toMatchObject({ host: "shared-postgres", port: 5432, dbname: "auth_db", username: "auth_user", password: "p".repeat(32), ca: CA });
    expect(parseStoreSecret(files.mounted["redis.json"]!)).toEqual({ ...redis, host: "shared-redis", port: 6379, url: `rediss://auth:${"r".repeat(32)}@shared-redis:6379` });
    expect(parseStoreSecret(files.mounted["clickhouse.json"]!)).toMatchObject({ host: "shared-clickhouse", port: 8443, scope: "auth" });
    expect(files.mounted["ca.crt"]).toBe(CA);
  });

  it("keep a service's own parameters of the URL", () => {
    const { env } = renderServiceFiles(service("payment"), catalog, { database: database("payment"), stores: {} }, CA_PATH);
    expect(variablesOf(env)["DATABASE_URL"]).toMatch(/@shared-postgres:5432\/payment_db\?.*&schema=public$/);
    expect(variablesOf(env)).not.toHaveProperty("REDIS_URL");
  });

  it("say of the database what every driver can read", () => {
    const url = parseDatabaseUrl(variablesOf(files.env)["DATABASE_URL"]!);
    expect(url.hosts).toEqual([{ host: "shared-postgres", port: 5432 }]);
    expect(formatForDriver(url, "jdbc")).toContain("shared-postgres:5432/auth_db");
  });
});

describe("writing them", () => {
  let root: string;
  const context = () => ({ root, stack: "dev", catalog: () => catalog });
  const paths = () => dockerPaths(context());
  const access = () => ({ secrets: fileSecretStore(paths().secrets), storeSecrets: fileStoreSecrets(paths().secrets), endpoint });
  const modeOf = (path: string): number => statSync(path).mode & 0o777;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "bulkhead-services-"));
    await access().secrets.write({ service: "auth", login: "app" }, database("auth"));
    await access().secrets.write({ service: "auth", login: "migrator" }, database("auth", "m".repeat(32)));
    await access().storeSecrets.writeStore("auth", "redis", redis);
    await writeServiceFiles(context(), access());
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it("closes files of variables, and of what containers mount the folder above", () => {
    expect(modeOf(join(paths().env, "auth.env"))).toBe(0o600);
    expect(modeOf(join(paths().env, "auth.host.env"))).toBe(0o600);
    for (const folder of [paths().directory, paths().env, paths().services]) expect(modeOf(folder)).toBe(0o700);
    // The users in containers have numbers of their own.
    expect(modeOf(join(paths().services, "auth"))).toBe(0o755);
    expect(modeOf(join(paths().services, "auth", "database.json"))).toBe(0o644);
  });

  it("gives a service its own running login and no other, and a service without one nothing", () => {
    expect(readdirSync(join(paths().services, "auth")).sort()).toEqual(["ca.crt", "database.json", "redis.json"]);
    expect(readFileSync(join(paths().services, "auth", "database.json"), "utf8")).not.toContain("m".repeat(32));
    expect(existsSync(join(paths().services, "frontend"))).toBe(false);
    expect(existsSync(join(paths().env, "user-files.env"))).toBe(false);
  });

  it("touches nothing that is right, and mends what is not", async () => {
    const file = join(paths().services, "auth", "database.json");
    const { ino } = statSync(file);
    await writeServiceFiles(context(), access());
    expect(statSync(file).ino).toBe(ino);
    rmSync(file);
    chmodSync(join(paths().env, "auth.env"), 0o644);
    writeFileSync(join(paths().env, "auth.host.env"), "DATABASE_URL=old\n");
    await writeServiceFiles(context(), access());
    expect(parseSecret(readFileSync(file, "utf8"))?.host).toBe("shared-postgres");
    expect(modeOf(join(paths().env, "auth.env"))).toBe(0o600);
    expect(readFileSync(join(paths().env, "auth.host.env"), "utf8")).toContain(database("auth").url);
  });

  it("takes away what is left of a service without a login, and keeps the folder that its container has mounted", async () => {
    await access().secrets.remove("auth");
    await writeServiceFiles(context(), access());
    expect(readdirSync(join(paths().services, "auth"))).toEqual([]);
    expect(readdirSync(paths().env)).toEqual([]);
  });

  it("takes away the files of a service that has left the catalog", async () => {
    const smaller = defineServices({ payment: { port: 3004 } });
    await writeServiceFiles({ ...context(), catalog: () => smaller }, access());
    expect(readdirSync(join(paths().services, "auth"))).toEqual([]);
  });

  it("follows whatever sets up a service, with the password that it was given", async () => {
    const rotated = database("auth", "n".repeat(32));
    const tier = {
      ...access(),
      operations: { setUp: async () => (await access().secrets.write({ service: "auth", login: "app" }, rotated), { version: 1, schemaVersion: 1 }) },
      stores: [{ kind: "clickhouse", services: ["auth"], setUp: async () => (await access().storeSecrets.writeStore("auth", "clickhouse", clickhouse), ["made it"]) }],
    } as unknown as TierAccess;
    const followed = withServiceFiles(tier, context());
    expect(await followed.operations.setUp({ service: "auth" } as never)).toEqual({ version: 1, schemaVersion: 1 });
    expect(parseSecret(readFileSync(join(paths().services, "auth", "database.json"), "utf8"))?.password).toBe("n".repeat(32));
    expect(await followed.stores[0]!.setUp("token", new AbortController().signal)).toEqual(["made it"]);
    expect(readFileSync(join(paths().env, "auth.env"), "utf8")).toContain("CLICKHOUSE_URL=https://auth:");
  });
});

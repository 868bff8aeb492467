import "../../support/simulated-cloud/google-api/fetch-in-jest";

import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";

import { clickHouseHost } from "../../../components/gcp/stores/clickhouse";
import { googleClients } from "../../../components/gcp/google/clients";
import type { GoogleClients } from "../../../components/gcp/google/clients";
import { googleSettings } from "../../../components/gcp/google/settings";
import { storeSecretNames } from "../../../components/gcp/secrets/secret-containers";
import { clickHouseSecrets } from "../../../components/gcp/stores/secrets/clickhouse-secrets";
import { redisSecret } from "../../../components/gcp/stores/secrets/redis-secret";
import { storePermissions } from "../../../components/gcp/stores/secrets/store-secrets";
import type { StoreSetup } from "../../../manager/src/stores/store";
import { startGoogleApi } from "../../support/simulated-cloud/google-api/google-api";
import type { GoogleApi } from "../../support/simulated-cloud/google-api/google-api";
import { Cloud } from "../../support/simulated-cloud/provider/cloud";

const NAMES = storeSecretNames("prod");
const INSTANCE = "projects/simulated/locations/europe-west3/instances/redis-backend-1";
const REDIS = "gcp:redis/instance:Instance";
const HOST = clickHouseHost("prod");
const DAY_MS = 86_400_000;
const signal = new AbortController().signal;

let cloud: Cloud;
let api: GoogleApi;
let clients: GoogleClients;
let now: number;

beforeEach(async () => {
  now = Date.now();
  cloud = new Cloud(mkdtempSync(join(tmpdir(), "bulkhead-stores-")));
  for (const secretId of [NAMES.redis("backend"), NAMES.clickhouseAuthority, NAMES.clickhouseTls, ...["backend", "l2p"].flatMap((service) => [NAMES.clickhouse(service), NAMES.clickhouseHash(service)])]) {
    cloud.put({ type: "gcp:secretmanager/secret:Secret", id: secretId, name: secretId, urn: "", inputs: { secretId }, outputs: {} });
  }
  putRedis({});
  api = await startGoogleApi(cloud);
  clients = googleClients(googleSettings((key) => ({ "gcp:project": "simulated", "gcp:region": "europe-west3" })[key], api.environment));
});

afterEach(async () => {
  await clients.close();
  await api.close();
  rmSync(cloud.dir, { recursive: true, force: true });
});

function putRedis(changes: Readonly<Record<string, unknown>>): void {
  const outputs = { host: "10.20.16.4", port: 6378, authString: "the-first-auth-string", serverCaCerts: [{ cert: "-----BEGIN CERTIFICATE-----\nb\n-----END CERTIFICATE-----" }, { cert: "-----BEGIN CERTIFICATE-----\na\n-----END CERTIFICATE-----\n" }], ...changes };
  cloud.put({ type: REDIS, id: INSTANCE, name: "redis-backend", urn: "", inputs: {}, outputs });
}

const redis = (): StoreSetup => redisSecret({ clients, instance: INSTANCE, secret: NAMES.redis("backend") });
const clickhouse = (...services: string[]): StoreSetup => clickHouseSecrets({ clients, names: NAMES, host: HOST, services, now: () => now });

const textOf = (id: string): string => Buffer.from(api.secrets.find(id, "latest").data, "base64").toString("utf8");
const fieldsOf = (id: string): Record<string, string> => JSON.parse(textOf(id)) as Record<string, string>;
const versionsOf = (id: string): string[] => api.secrets.read(id).map(({ state }) => state);
const put = (id: string, text: string): number => api.secrets.add(id, Buffer.from(text).toString("base64"));

/** What a deployment does: a setup only if the observation asks for one, with a token of its own. */
async function converge(store: StoreSetup, token: string): Promise<readonly string[]> {
  const { token: last } = await store.observe();
  return last === null ? store.setUp(token, signal) : [];
}

describe("the secret of a Redis", () => {
  it("says how the instance is got into, and carries the token of the setup that wrote it", async () => {
    expect(await redis().observe()).toEqual({ token: null, findings: ["the secret bulkhead-prod-backend-redis has no enabled version"] });
    expect(await redis().setUp("first", signal)).toEqual(["wrote the secret bulkhead-prod-backend-redis"]);
    expect(fieldsOf(NAMES.redis("backend"))).toEqual({
      host: "10.20.16.4",
      port: 6378,
      username: "default",
      password: "the-first-auth-string",
      scope: "",
      url: "rediss://default:the-first-auth-string@10.20.16.4:6378",
      ca: "-----BEGIN CERTIFICATE-----\na\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nb\n-----END CERTIFICATE-----\n",
      setup: "first",
    });
    expect(await redis().observe()).toEqual({ token: "first", findings: [] });
  });

  it("is left alone when it is right, whoever asks for the setup again", async () => {
    await redis().setUp("first", signal);
    expect(await redis().setUp("first", signal)).toEqual([]);
    expect(versionsOf(NAMES.redis("backend"))).toEqual(["ENABLED"]);
  });

  it.each([
    ["the AUTH string was made anew", () => putRedis({ authString: "another-auth-string" }), "another password"],
    ["the instance has another address", () => putRedis({ host: "10.20.16.9" }), "another host"],
    ["Google changes the authority", () => putRedis({ serverCaCerts: [{ cert: "-----BEGIN CERTIFICATE-----\nc\n-----END CERTIFICATE-----" }] }), "another ca"],
    ["the secret was disabled", () => api.secrets.setState(NAMES.redis("backend"), 1, "DISABLED"), "no enabled version"],
    ["the secret was destroyed", () => api.secrets.setState(NAMES.redis("backend"), 1, "DESTROYED"), "no enabled version"],
    ["half of it was written", () => put(NAMES.redis("backend"), '{"host": "10.'), "not whole"],
    ["somebody wrote it by hand", () => put(NAMES.redis("backend"), JSON.stringify({ ...fieldsOf(NAMES.redis("backend")), setup: undefined })), "not from a setup"],
  ])("is mended when %s, and the finding says what without saying the value", async (_when, happen, finding) => {
    await redis().setUp("first", signal);
    happen();
    const { token, findings } = await redis().observe();
    expect(token).toBeNull();
    expect(findings).toEqual([expect.stringContaining(finding)]);
    expect(findings.join()).not.toContain("auth-string");
    await redis().setUp("second", signal);
    expect(await redis().observe()).toEqual({ token: "second", findings: [] });
    expect(versionsOf(NAMES.redis("backend")).filter((state) => state === "ENABLED")).toHaveLength(1);
  });

  it.each([
    ["an instance that is still being made", { host: undefined }, "REDIS_NOT_READY"],
    ["an instance without AUTH", { authString: "" }, "REDIS_UNPROTECTED"],
    ["an instance without TLS", { serverCaCerts: [] }, "REDIS_UNPROTECTED"],
  ])("is not written for %s", async (_what, changes, code) => {
    putRedis(changes);
    await expect(redis().observe()).rejects.toMatchObject({ code });
    await expect(redis().setUp("first", signal)).rejects.toMatchObject({ code });
    expect(versionsOf(NAMES.redis("backend"))).toEqual([]);
  });

  it("names the permissions that are missing", async () => {
    api.inject({ path: /authString$/, httpStatus: 403, status: "PERMISSION_DENIED" });
    await expect(redis().observe()).rejects.toMatchObject({ code: "GCP_PERMISSION", hint: expect.stringContaining("redis.instances.getAuthString") as string });
  });
});

describe("the secrets of ClickHouse", () => {
  it("give each service a login of its own, and the machine the hash of its password", async () => {
    await clickhouse("backend", "l2p").setUp("first", signal);
    const backend = fieldsOf(NAMES.clickhouse("backend"));
    expect(backend).toEqual({
      host: HOST,
      port: 8443,
      scope: "backend",
      username: "backend",
      password: expect.stringMatching(/^[A-Za-z0-9_-]{32}$/) as string,
      ca: fieldsOf(NAMES.clickhouseAuthority)["ca"],
      url: `https://backend:${backend["password"]}@${HOST}:8443/backend`,
    });
    expect(fieldsOf(NAMES.clickhouse("l2p"))["password"]).not.toBe(backend["password"]);
    expect(textOf(NAMES.clickhouseHash("backend"))).toBe(createHash("sha256").update(backend["password"]!).digest("hex"));
    expect(await clickhouse("backend", "l2p").observe()).toEqual({ token: "first", findings: [] });
  });

  it("hold a key and a certificate that a client with the service's secret takes for the host", async () => {
    await clickhouse("backend").setUp("first", signal);
    const pem = textOf(NAMES.clickhouseTls);
    const server = createServer({ key: pem, cert: pem, minVersion: "TLSv1.2" }, (socket) => socket.end());
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const handshake = (servername: string): Promise<boolean> =>
      new Promise((done) => {
        const client = connect({ host: "127.0.0.1", port: (server.address() as AddressInfo).port, servername, ca: fieldsOf(NAMES.clickhouse("backend"))["ca"] });
        client.once("secureConnect", () => { client.destroy(); done(true); }).once("error", () => done(false));
      });
    try {
      expect(await handshake(HOST)).toBe(true);
      expect(await handshake("clickhouse.other.bulkhead.internal")).toBe(false);
    } finally {
      await new Promise((done) => server.close(done));
    }
  });

  it("keep the authority's key away from the machine and from services", async () => {
    await clickhouse("backend").setUp("first", signal);
    const { key } = fieldsOf(NAMES.clickhouseAuthority);
    const body = key!.split("\n")[1]!;
    for (const id of [NAMES.clickhouseTls, NAMES.clickhouse("backend"), NAMES.clickhouseHash("backend")]) expect(textOf(id)).not.toContain(body);
  });

  it("are left alone when they are right", async () => {
    await clickhouse("backend").setUp("first", signal);
    const calls = api.calls.length;
    expect(await converge(clickhouse("backend"), "second")).toEqual([]);
    expect(await clickhouse("backend").setUp("first", signal)).toEqual([]);
    expect(api.calls.slice(calls).filter((call) => call.startsWith("POST"))).toEqual([]);
  });

  it("leave the logins there are as they are when a service is added", async () => {
    await clickhouse("backend").setUp("first", signal);
    expect(await converge(clickhouse("backend", "l2p"), "second")).toEqual(["bulkhead-prod-l2p-clickhouse", "bulkhead-prod-l2p-clickhouse-hash", "bulkhead-prod-clickhouse-authority"].map((id) => `wrote the secret ${id}`));
    expect(versionsOf(NAMES.clickhouse("backend"))).toEqual(["ENABLED"]);
  });

  it.each([
    [61, false],
    [59, true],
  ])("with %i days left of the certificate, a new one is made: %s; services notice nothing of it", async (daysLeft, isNew) => {
    await clickhouse("backend").setUp("first", signal);
    const before = textOf(NAMES.clickhouseTls);
    const { validTo } = new X509Certificate(before.slice(before.indexOf("-----BEGIN CERT")));
    now = Date.parse(validTo) - daysLeft * DAY_MS;
    const written = await converge(clickhouse("backend"), "second");
    expect(written).toEqual(isNew ? ["wrote the secret bulkhead-prod-clickhouse-tls", "wrote the secret bulkhead-prod-clickhouse-authority"] : []);
    expect(textOf(NAMES.clickhouseTls) !== before).toBe(isNew);
    expect(versionsOf(NAMES.clickhouse("backend"))).toEqual(["ENABLED"]);
    expect((await clickhouse("backend").observe()).findings).toEqual([]);
  });

  it("get a new authority, and so all a new certificate, before the old one signs what outlives it", async () => {
    await clickhouse("backend").setUp("first", signal);
    const { password, ca } = fieldsOf(NAMES.clickhouse("backend"));
    now += 3650 * DAY_MS - 400 * DAY_MS;
    await converge(clickhouse("backend"), "second");
    expect(fieldsOf(NAMES.clickhouse("backend"))["ca"]).not.toBe(ca);
    expect(fieldsOf(NAMES.clickhouse("backend"))["password"]).toBe(password);
    expect(await clickhouse("backend").observe()).toEqual({ token: "second", findings: [] });
  });

  it.each([
    ["a service's secret is disabled", () => api.secrets.setState(NAMES.clickhouse("backend"), 1, "DISABLED")],
    ["a service's secret is half-written", () => put(NAMES.clickhouse("backend"), '{"host"')],
    ["a password was chosen by hand", () => put(NAMES.clickhouse("backend"), JSON.stringify({ ...fieldsOf(NAMES.clickhouse("backend")), password: "backend" }))],
    ["a hash is lost", () => api.secrets.setState(NAMES.clickhouseHash("backend"), 1, "DISABLED")],
    ["a hash has an end of line, which the machine would refuse", () => put(NAMES.clickhouseHash("backend"), `${textOf(NAMES.clickhouseHash("backend"))}\n`)],
    ["the certificate is lost", () => api.secrets.setState(NAMES.clickhouseTls, 1, "DESTROYED")],
    ["the certificate is another host's key", () => put(NAMES.clickhouseTls, textOf(NAMES.clickhouseTls).replace(/-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----\n/, fieldsOf(NAMES.clickhouseAuthority)["key"]!))],
    ["the authority is lost", () => put(NAMES.clickhouseAuthority, "{}")],
  ])("are mended when %s", async (_when, happen) => {
    await clickhouse("backend").setUp("first", signal);
    happen();
    const { token, findings } = await clickhouse("backend").observe();
    expect(token).toBeNull();
    expect(findings.length).toBeGreaterThan(0);
    await clickhouse("backend").setUp("second", signal);
    expect(await clickhouse("backend").observe()).toEqual({ token: "second", findings: [] });
    const { password } = fieldsOf(NAMES.clickhouse("backend"));
    expect(textOf(NAMES.clickhouseHash("backend"))).toBe(createHash("sha256").update(password!).digest("hex"));
  });

  it("are whole after a crash at any of the writes, once the setup was run again", async () => {
    const writes = [NAMES.clickhouseAuthority, NAMES.clickhouseTls, NAMES.clickhouse("backend"), NAMES.clickhouseHash("backend")];
    for (const [index, id] of writes.entries()) {
      api.inject({ path: new RegExp(`/${id}:addVersion$`), httpStatus: 500, status: "INTERNAL" });
      await expect(clickhouse("backend").setUp(`crash-${index}`, signal)).rejects.toMatchObject({ code: "GCP_REQUEST_FAILED" });
      expect((await clickhouse("backend").observe()).token).toBeNull();
    }
    await clickhouse("backend").setUp("done", signal);
    expect(await clickhouse("backend").observe()).toEqual({ token: "done", findings: [] });
    // What was done before each crash was not done again.
    expect(versionsOf(NAMES.clickhouseTls)).toEqual(["ENABLED"]);
    expect(versionsOf(NAMES.clickhouse("backend"))).toEqual(["ENABLED"]);
  });

  it("say so where the secret itself is not there", async () => {
    cloud.remove("gcp:secretmanager/secret:Secret", NAMES.clickhouseTls);
    await expect(clickhouse("backend").setUp("first", signal)).rejects.toMatchObject({ code: "SECRET_CONTAINER_MISSING" });
  });
});

it("asks for no permission where no service has a store, and for Redis' only with Redis", () => {
  expect(storePermissions([{ redis: false, clickhouse: false }])).toEqual([]);
  expect(storePermissions([{ redis: false, clickhouse: true }]).filter((permission) => permission.startsWith("redis."))).toEqual([]);
  expect(storePermissions([{ redis: true, clickhouse: false }])).toContain("redis.instances.getAuthString");
});

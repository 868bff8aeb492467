import "../../support/simulated-cloud/google-api/fetch-in-jest";

import { Network } from "@pulumi/gcp/compute/network";
import { Stash } from "@pulumi/pulumi";
import type { Resource } from "@pulumi/pulumi";

import { googleClients } from "../../../components/gcp/google/clients";
import type { GoogleClients } from "../../../components/gcp/google/clients";
import { googleSettings } from "../../../components/gcp/google/settings";
import { PrivateServices } from "../../../components/gcp/network/private-services";
import { Redis } from "../../../components/gcp/stores/redis";
import { secretContainers, storeSecretNames } from "../../../components/gcp/secrets/secret-containers";
import type { SecretOwner } from "../../../components/gcp/secrets/secret-containers";
import { Secrets } from "../../../components/gcp/secrets/secrets";
import { ServiceAccounts } from "../../../components/gcp/identity/service-accounts";
import { ServiceAgents } from "../../../components/gcp/identity/service-agents";
import { StoreSecrets } from "../../../components/gcp/stores/secrets/store-secrets";
import { setupHook } from "../../../components/hook";
import { startGoogleApi } from "../../support/simulated-cloud/google-api/google-api";
import type { GoogleApi } from "../../support/simulated-cloud/google-api/google-api";
import { SimulatedCloud } from "../../support/simulated-cloud/simulated-cloud";
import { SimulatedStack } from "../../support/simulated-cloud/stack";

const NAMES = storeSecretNames("prod");
const REDIS = "gcp:redis/instance:Instance";
const BACKEND: SecretOwner = { name: "backend", database: null, redis: true, clickhouse: true };
const L2P: SecretOwner = { name: "l2p", database: null, redis: true, clickhouse: false };

let cloud: SimulatedCloud;
let api: GoogleApi;
let clients: GoogleClients;
let stack: SimulatedStack;
/** What the services found when they were made, by name. */
const foundAtStart = new Map<string, boolean>();

/** The parts that the secrets of stores are made from, and in place of each Cloud Run service a resource that looks whether its secret is there. */
function program(services: readonly SecretOwner[]): () => Promise<Record<string, unknown>> {
  return async () => {
    const common = { stack: "prod", region: "europe-west3", deletionProtection: false };
    const network = new Network("network", { autoCreateSubnetworks: false }).id;
    const { connection } = new PrivateServices("private-services", { stack: "prod", network, range: "10.20.16.0/20", deletionProtection: false });
    const redis = new Redis("redis", { ...common, services: services.filter((service) => service.redis).map(({ name }) => name), network, connection, config: { tier: "BASIC", memorySizeGb: 1, version: "REDIS_7_2" }, maintenance: { day: 7, hour: 3 }, encryptionKey: null });
    const accounts = new ServiceAccounts("accounts", { stack: "prod", services: services.map(({ name }) => name), machines: ["clickhouse"] });
    const agents = new ServiceAgents("agents", { project: "simulated", purposes: [] });
    const secrets = new Secrets("secrets", { ...common, containers: secretContainers("prod", services), accounts, agents, config: { rotationPeriodDays: 90, versionDestroyDelayDays: 30 }, keys: null });
    const stores = new StoreSecrets("store-secrets", { stack: "prod", services, secrets, redis, clients });
    for (const { name } of services) service(name, stores.after(name));
    return {};
  };
}

function service(name: string, dependsOn: readonly Resource[]): void {
  const start = setupHook(`${name}-start`, `starting ${name}`, async () => {
    foundAtStart.set(name, api.secrets.read(NAMES.redis(name)).length > 0);
  });
  new Stash(`${name}-service`, { input: name }, { dependsOn: [...dependsOn], hooks: { beforeCreate: [start] } });
}

const textOf = (id: string): string => Buffer.from(api.secrets.find(id, "latest").data, "base64").toString("utf8");
const changed = (steps: readonly { readonly op: string; readonly name: string }[]): string[] => steps.map(({ op, name }) => `${op} ${name}`).sort();

beforeAll(async () => {
  cloud = SimulatedCloud.create();
  api = await startGoogleApi(cloud.cloud);
  clients = googleClients(googleSettings((key) => cloud.config[key], api.environment));
  stack = await SimulatedStack.create({ cloud, program: program([BACKEND]) });
});

afterAll(async () => {
  await clients?.close();
  await api?.close();
  stack?.dispose();
  await cloud?.dispose();
});

// Each test goes on where the one before it ended: a stack's life.
it("are only looked for in a preview", async () => {
  const run = await stack.preview();
  expect(run.diagnostics).toEqual([]);
  expect(run.ok).toBe(true);
  expect(api.calls.filter((call) => !call.startsWith("GET "))).toEqual([]);
});

it("are there when the services that use them are made", async () => {
  const run = await stack.up();
  expect(run.diagnostics).toEqual([]);
  expect(run.ok).toBe(true);
  expect(foundAtStart).toEqual(new Map([["backend", true]]));
  const { host, port, authString } = cloud.resources(REDIS)[0]!.outputs;
  expect(JSON.parse(textOf(NAMES.redis("backend")))).toMatchObject({ host, port, password: authString });
  expect(JSON.parse(textOf(NAMES.clickhouse("backend")))).toMatchObject({ username: "backend", scope: "backend" });
});

it("are in Pulumi's state nowhere", () => {
  const state = JSON.stringify(stack.state());
  const { password, ca } = JSON.parse(textOf(NAMES.clickhouse("backend"))) as { password: string; ca: string };
  for (const secret of [password, ca.split("\n")[1]!, textOf(NAMES.clickhouseHash("backend")), (JSON.parse(textOf(NAMES.redis("backend"))) as { password: string }).password]) expect(state).not.toContain(secret);
});

it("are no change when they are right", async () => {
  const calls = api.calls.length;
  const run = await stack.up();
  expect(changed(run.steps)).toEqual([]);
  expect(api.calls.slice(calls).filter((call) => !call.startsWith("GET "))).toEqual([]);
});

it("are a change, in a preview too, when Redis' AUTH string was made anew, and are mended", async () => {
  cloud.edit(REDIS, "redis-backend", (resource) => {
    resource.outputs = { ...resource.outputs, authString: "made-anew" };
  });
  const preview = await stack.preview();
  expect(changed(preview.steps)).toEqual(["update redis-backend-secret"]);
  expect((JSON.parse(textOf(NAMES.redis("backend"))) as { password: string }).password).not.toBe("made-anew");
  const run = await stack.up();
  expect(run.ok).toBe(true);
  expect((JSON.parse(textOf(NAMES.redis("backend"))) as { password: string }).password).toBe("made-anew");
  expect(changed((await stack.up()).steps)).toEqual([]);
});

it("are mended when a version was disabled", async () => {
  api.secrets.setState(NAMES.clickhouse("backend"), 1, "DISABLED");
  expect(changed((await stack.up()).steps)).toEqual(["update clickhouse-secrets"]);
  expect(api.secrets.find(NAMES.clickhouse("backend"), "latest").state).toBe("ENABLED");
  expect(changed((await stack.up()).steps)).toEqual([]);
});

it("fail the run when they cannot be written, keep their own service waiting only, and are made by the next run", async () => {
  stack.program = program([BACKEND, L2P]);
  api.inject({ path: new RegExp(`/${NAMES.redis("l2p")}:addVersion$`), httpStatus: 403, status: "PERMISSION_DENIED" });
  const failed = await stack.up();
  expect(failed.ok).toBe(false);
  expect(failed.diagnostics.join("\n")).toMatch(/writing the Redis secret of l2p failed: .*GCP_PERMISSION/);
  expect(foundAtStart.has("l2p")).toBe(false);
  const run = await stack.up();
  expect(run.ok).toBe(true);
  expect(foundAtStart.get("l2p")).toBe(true);
  expect(changed((await stack.up()).steps)).toEqual([]);
});

it("leave nothing in the way of a destroy", async () => {
  const run = await stack.destroy();
  expect(run.diagnostics).toEqual([]);
  expect(run.ok).toBe(true);
});

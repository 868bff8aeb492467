import { secretContainers, storeSecretNames } from "../../../components/gcp/secrets/secret-containers";
import { Secrets } from "../../../components/gcp/secrets/secrets";
import type { SecretsArgs } from "../../../components/gcp/secrets/secrets";
import { ServiceAccounts } from "../../../components/gcp/identity/service-accounts";
import type { Machine } from "../../../components/gcp/identity/service-accounts";
import { ServiceAgents } from "../../../components/gcp/identity/service-agents";
import { inputsOf, ofType, record, SERVICES } from "./data-fixtures";

const SECRET = "gcp:secretmanager/secret:Secret";
const GRANT = "gcp:secretmanager/secretIamMember:SecretIamMember";
const ACCESSOR = "roles/secretmanager.secretAccessor";

function secrets(more: Partial<SecretsArgs> = {}, machines: readonly Machine[] = ["clickhouse"]) {
  return record(() => {
    const accounts = new ServiceAccounts("accounts", { stack: "prod", services: ["accounts", "backend", "frontend"], machines });
    const agents = new ServiceAgents("agents", { project: "example", purposes: [] });
    return new Secrets("secrets", {
      stack: "prod",
      region: "europe-west1",
      containers: secretContainers("prod", SERVICES),
      accounts,
      agents,
      config: { rotationPeriodDays: 90, versionDestroyDelayDays: 30 },
      keys: null,
      deletionProtection: true,
      now: new Date("2026-01-01T00:00:00Z"),
      ...more,
    });
  });
}

test("a service with a database has three secrets, one without has none", () => {
  const containers = secretContainers("prod", SERVICES);
  expect(containers.filter(({ service }) => service === "auth").map(({ id }) => id)).toEqual(["bulkhead-prod-auth-app", "bulkhead-prod-auth-migrator", "bulkhead-prod-auth-readonly"]);
  expect(containers.filter(({ service }) => service === "frontend")).toEqual([]);
  expect(containers[0]).toEqual({ key: "admin", id: "bulkhead-prod-admin", service: null, reader: null, setupJob: "reads" });
  expect(new Set(containers.map(({ id }) => id)).size).toBe(containers.length);
  expect(new Set(containers.map(({ key }) => key)).size).toBe(containers.length);
});

test("the key of ClickHouse's server is there only if a service asks for ClickHouse", () => {
  expect(secretContainers("prod", SERVICES).map(({ id }) => id)).toContain(storeSecretNames("prod").clickhouseTls);
  expect(secretContainers("prod", SERVICES.slice(0, 2)).map(({ id }) => id)).not.toContain(storeSecretNames("prod").clickhouseTls);
});

test("a secret is an empty container with a rotation of at most 90 days, a topic, a delayed destruction and labels", async () => {
  const resources = await secrets();
  expect(inputsOf(resources, SECRET, "secrets-auth-app")).toEqual({
    secretId: "bulkhead-prod-auth-app",
    replication: { auto: {} },
    rotation: { rotationPeriod: "7776000s", nextRotationTime: "2026-04-01T00:00:00.000Z" },
    topics: [{ name: "secrets-rotation-id" }],
    versionDestroyTtl: "2592000s",
    deletionProtection: true,
    labels: { "bulkhead-stack": "prod", "bulkhead-service": "auth" },
  });
  expect(resources.filter(({ type }) => type.includes("secretVersion"))).toEqual([]);
});

test("each secret is read by its own service's account and by no other", async () => {
  const grants = ofType(await secrets(), GRANT).map(({ inputs }) => [inputs["secretId"], inputs["role"], inputs["member"]]);
  expect(grants).toEqual([
    ["secrets-accounts-app-id", ACCESSOR, "serviceAccount:accounts-accounts@example.iam.gserviceaccount.com"],
    ["secrets-backend-app-id", ACCESSOR, "serviceAccount:accounts-backend@example.iam.gserviceaccount.com"],
    ["secrets-backend-clickhouse-hash-id", ACCESSOR, "serviceAccount:accounts-clickhouse@example.iam.gserviceaccount.com"],
    ["secrets-backend-clickhouse-id", ACCESSOR, "serviceAccount:accounts-backend@example.iam.gserviceaccount.com"],
    ["secrets-backend-redis-id", ACCESSOR, "serviceAccount:accounts-backend@example.iam.gserviceaccount.com"],
    ["secrets-clickhouse-tls-id", ACCESSOR, "serviceAccount:accounts-clickhouse@example.iam.gserviceaccount.com"],
  ]);
});

test("nothing is granted on the project, and nothing to everybody", async () => {
  const resources = await secrets({}, ["clickhouse", "setup"]);
  expect(resources.filter(({ type }) => type.startsWith("gcp:projects/") && type.includes("IAM"))).toEqual([]);
  expect(JSON.stringify(resources)).not.toMatch(/allUsers|allAuthenticatedUsers/);
});

test("the setup job's account may write the secrets of database logins, one by one, read the admin's, and see none of a store's", async () => {
  const grants = ofType(await secrets({}, ["clickhouse", "setup"]), GRANT).filter(({ inputs }) => String(inputs["member"]).includes("accounts-setup"));
  const keysWith = (role: string): string[] => grants.filter(({ inputs }) => inputs["role"] === role).map(({ inputs }) => String(inputs["secretId"]));
  const logins = secretContainers("prod", SERVICES).filter(({ key }) => /-(app|migrator|readonly)$/.test(key)).map(({ key }) => `secrets-${key}-id`);
  expect(logins.length).toBeGreaterThan(0);
  expect(keysWith("roles/secretmanager.secretVersionManager").sort()).toEqual([...logins].sort());
  expect(keysWith(ACCESSOR).sort()).toEqual(["secrets-admin-id", ...logins].sort());
});

test("Secret Manager's own agent, and nobody else, publishes on the topic", async () => {
  const resources = await secrets();
  expect(ofType(resources, "gcp:pubsub/topicIAMMember:TopicIAMMember").map(({ inputs }) => inputs)).toEqual([
    { topic: "secrets-rotation", role: "roles/pubsub.publisher", member: "serviceAccount:service-4711@gcp-sa-secretmanager.iam.gserviceaccount.com" },
  ]);
});

test("with a key of one's own the secrets stay in the region, since such a key is regional", async () => {
  const resources = await secrets({ keys: { secrets: "projects/p/key", topics: "projects/p/topics" } });
  expect(inputsOf(resources, SECRET, "secrets-admin")).toMatchObject({ replication: { userManaged: { replicas: [{ location: "europe-west1", customerManagedEncryption: { kmsKeyName: "projects/p/key" } }] } } });
  expect(inputsOf(resources, "gcp:pubsub/topic:Topic")).toMatchObject({ kmsKeyName: "projects/p/topics", labels: { "bulkhead-stack": "prod" } });
});

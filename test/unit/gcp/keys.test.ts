import { keyPurposes, Keys } from "../../../components/gcp/identity/keys";
import { auditLogs } from "../../../components/gcp/identity/audit";
import { projectNumberOf, ServiceAgents } from "../../../components/gcp/identity/service-agents";
import type { KeyPurpose } from "../../../components/gcp/identity/service-agents";
import { inputsOf, ofType, record } from "./data-fixtures";

const PURPOSES: readonly KeyPurpose[] = ["sql", "redis", "secrets", "topics", "services", "disks"];

function keys(deletionProtection = true) {
  return record(() => {
    const agents = new ServiceAgents("agents", { project: "example", purposes: PURPOSES });
    return new Keys("keys", { stack: "prod", region: "europe-west1", agents, purposes: PURPOSES, deletionProtection });
  });
}

test("each purpose has a key of its own that turns every 90 days", async () => {
  const resources = await keys();
  expect(ofType(resources, "gcp:kms/cryptoKey:CryptoKey").map(({ name }) => name)).toEqual(PURPOSES.map((purpose) => `keys-${purpose}`).sort());
  expect(inputsOf(resources, "gcp:kms/cryptoKey:CryptoKey", "keys-sql")).toMatchObject({ rotationPeriod: "7776000s", purpose: "ENCRYPT_DECRYPT", keyRing: "keys-id", labels: { "bulkhead-stack": "prod" } });
  expect(inputsOf(resources, "gcp:kms/keyRing:KeyRing")).toEqual({ location: "europe-west1" });
});

test("each key may be used by the one service agent that encrypts with it", async () => {
  const grants = ofType(await keys(), "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember").map(({ name, inputs }) => [name, inputs["cryptoKeyId"], inputs["role"], inputs["member"]]);
  const agent = (api: string) => `serviceAccount:service-4711@gcp-sa-${api}.iam.gserviceaccount.com`;
  const role = "roles/cloudkms.cryptoKeyEncrypterDecrypter";
  expect(grants).toEqual([
    ["keys-disks", "keys-disks-id", role, "serviceAccount:service-4711@compute-system.iam.gserviceaccount.com"],
    ["keys-redis", "keys-redis-id", role, agent("redis")],
    ["keys-secrets", "keys-secrets-id", role, agent("secretmanager")],
    ["keys-services", "keys-services-id", role, agent("run")],
    ["keys-sql", "keys-sql-id", role, agent("sqladmin")],
    ["keys-topics", "keys-topics-id", role, agent("pubsub")],
  ]);
});

test("without keys of one's own there is one agent, Secret Manager's", async () => {
  const resources = await record(() => new ServiceAgents("agents", { project: "example", purposes: [] }));
  expect(ofType(resources, "gcp:projects/serviceIdentity:ServiceIdentity").map(({ inputs }) => inputs["service"])).toEqual(["secretmanager.googleapis.com"]);
});

test("keys are for what is on", () => {
  const off = { encryption: { customerManagedKeys: false }, redis: null, clickhouse: null, reach: { transport: "direct", probe: null }, services: {} } as const;
  expect(keyPurposes(off)).toEqual([]);
  expect(keyPurposes({ ...off, encryption: { customerManagedKeys: true } })).toEqual(["sql", "secrets", "topics"]);
  expect(keyPurposes({ ...off, encryption: { customerManagedKeys: true }, reach: { transport: "tunnel", members: [] } })).toContain("disks");
  expect(keyPurposes({ ...off, encryption: { customerManagedKeys: true }, reach: { transport: "job", image: "x@sha256:0" } })).toContain("services");
});

test("a number is read from an agent's name, and from nothing else", () => {
  expect(projectNumberOf("service-4711@gcp-sa-secretmanager.iam.gserviceaccount.com")).toBe("4711");
  expect(() => projectNumberOf("someone@example.com")).toThrow("no project number");
  expect(() => projectNumberOf("x-service-1@gcp-sa-secretmanager.iam.gserviceaccount.com")).toThrow("no project number");
});

test("data access is logged for every API, nobody exempted", async () => {
  const resources = await record(() => auditLogs("audit", "example"));
  expect(inputsOf(resources, "gcp:projects/iAMAuditConfig:IAMAuditConfig")).toEqual({
    project: "example",
    service: "allServices",
    auditLogConfigs: [{ logType: "ADMIN_READ" }, { logType: "DATA_READ" }, { logType: "DATA_WRITE" }],
  });
});

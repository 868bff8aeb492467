import { Redis } from "../../../components/gcp/stores/redis";
import type { RedisArgs } from "../../../components/gcp/stores/redis";
import { Before, inputsOf, NETWORK, ofType, record } from "./data-fixtures";

const INSTANCE = "gcp:redis/instance:Instance";

function args(more: Partial<RedisArgs> = {}): RedisArgs {
  return {
    stack: "prod",
    region: "europe-west1",
    services: ["backend", "auth"],
    network: NETWORK,
    connection: new Before(),
    config: { tier: "STANDARD_HA", memorySizeGb: 1, version: "REDIS_7_2" },
    maintenance: { day: 7, hour: 3 },
    encryptionKey: null,
    deletionProtection: true,
    ...more,
  };
}

test("each service has an instance of its own, with AUTH, TLS and a private address", async () => {
  const resources = await record(() => new Redis("redis", args()));
  expect(ofType(resources, INSTANCE).map(({ name }) => name)).toEqual(["redis-auth", "redis-backend"]);
  expect(inputsOf(resources, INSTANCE, "redis-backend")).toEqual({
    region: "europe-west1",
    tier: "STANDARD_HA",
    memorySizeGb: 1,
    redisVersion: "REDIS_7_2",
    connectMode: "PRIVATE_SERVICE_ACCESS",
    authorizedNetwork: NETWORK,
    authEnabled: true,
    transitEncryptionMode: "SERVER_AUTHENTICATION",
    readReplicasMode: "READ_REPLICAS_DISABLED",
    persistenceConfig: { persistenceMode: "RDB", rdbSnapshotPeriod: "TWELVE_HOURS" },
    maintenancePolicy: { weeklyMaintenanceWindows: [{ day: "SUNDAY", startTime: { hours: 3, minutes: 0, seconds: 0, nanos: 0 } }] },
    deletionProtection: true,
    displayName: "backend (prod)",
    labels: { "bulkhead-stack": "prod", "bulkhead-service": "backend" },
  });
});

test("Monday is the first day of the week, as with the database", async () => {
  const resources = await record(() => new Redis("redis", args({ services: ["auth"], maintenance: { day: 1, hour: 0 } })));
  expect(inputsOf(resources, INSTANCE)).toMatchObject({ maintenancePolicy: { weeklyMaintenanceWindows: [{ day: "MONDAY", startTime: { hours: 0 } }] } });
});

test("a key of one's own encrypts the instances, and protection is as configured", async () => {
  const resources = await record(() => new Redis("redis", args({ services: ["auth"], encryptionKey: "projects/p/key", deletionProtection: false })));
  expect(inputsOf(resources, INSTANCE)).toMatchObject({ customerManagedKey: "projects/p/key", deletionProtection: false });
});

test("nothing is made from here that would put the AUTH string into a secret's version", async () => {
  const resources = await record(() => new Redis("redis", args()));
  expect(resources.filter(({ type }) => type.includes("secretmanager"))).toEqual([]);
});

import { defineServices } from "../../../manager/src/catalog/define-services";
import { degradations, storeFindings, storesAreReady } from "../../../manager/src/stores/degraded";
import { observeStores } from "../../../manager/src/stores/observe-stores";
import type { Store } from "../../../manager/src/stores/store";
import { storeEvidence } from "../../../manager/src/stores/store-evidence";
import { parseStoreSecret } from "../../../manager/src/stores/store-secret";
import type { StoreSecret } from "../../../manager/src/stores/store-secret";

const catalog = defineServices({ api: { port: 1, redis: true, clickhouse: true }, jobs: { port: 2, redis: true }, web: { port: 3, database: null } });
const never = (): never => {
  throw new Error("not to be asked");
};

function store(part: Partial<Store>): Store {
  return {
    kind: "redis",
    services: ["api", "jobs"],
    absence: null,
    observe: async () => ({ token: "t", findings: [] }),
    setUp: never,
    validate: async () => ["api", "jobs", "stranger"].map((service) => ({ rule: "redis-access" as const, service, status: "passed" as const, detail: "", ms: 1 })),
    ...part,
  };
}

const ABSENCE = { reason: "redis-server is not on the PATH", fix: "apt-get install redis-server" };

describe("what validation finds out about stores", () => {
  test("is what each says of the services that are asked about", async () => {
    const evidence = await storeEvidence({ catalog, stores: [store({})], services: ["jobs", "web"] });
    expect(evidence).toMatchObject([{ rule: "redis-access", service: "jobs", status: "passed" }]);
  });

  test("is every rule, skipped with the reason, where one is absent or out of reach; it is never taken for passed", async () => {
    const evidence = await storeEvidence({ catalog, stores: [store({ absence: ABSENCE, validate: never })] });
    expect(evidence.filter(({ status }) => status !== "skipped")).toEqual([]);
    expect(evidence.filter(({ service }) => service === "jobs").map(({ rule }) => rule)).toEqual(["redis-access", "redis-no-foreign-keys", "redis-no-admin", "redis-no-anonymous"]);
    expect(evidence.find(({ rule, service }) => rule === "redis-access" && service === "jobs")!.detail).toContain(ABSENCE.reason);
    expect(evidence.filter(({ rule }) => rule.startsWith("clickhouse-")).map(({ service }) => service)).toEqual(Array.from({ length: 5 }, () => "api"));
    expect(evidence.some(({ service }) => service === "web")).toBe(false);
  });
});

test("an absent store is not looked into", async () => {
  expect(await observeStores([store({ absence: ABSENCE, observe: never }), store({})])).toMatchObject([{ absence: ABSENCE, token: null, findings: [] }, { absence: null, token: "t" }]);
});

test("a service is degraded by an absent store that it asks for, and not ready by one that differs", async () => {
  const stores = await observeStores([store({ services: ["api"], absence: ABSENCE }), store({ kind: "clickhouse", services: ["api"], observe: async () => ({ token: null, findings: ["the user api is lost"] }) })]);
  expect(degradations("api", stores)).toEqual([{ store: "redis", ...ABSENCE }]);
  expect(storeFindings("api", stores)).toEqual(["clickhouse: the user api is lost"]);
  expect([degradations("jobs", stores), storeFindings("jobs", stores)]).toEqual([[], []]);
  expect([storesAreReady("api", stores), storesAreReady("jobs", stores)]).toEqual([false, true]);
  // What is somebody else's is told, and nothing waits for it.
  expect(storesAreReady("api", await observeStores([store({ observe: async () => ({ token: "t", findings: ["a file that is not Bulkhead's"] }) })]))).toBe(true);
});

describe("a store's secret", () => {
  const secret: StoreSecret = { host: "localhost", port: 6379, ca: "PEM", username: "api", password: "p", scope: "api:", url: "rediss://api:p@localhost:6379" };

  test("is read back as it was written, also with the scope of a whole server", () => {
    expect(parseStoreSecret(JSON.stringify(secret))).toEqual(secret);
    expect(parseStoreSecret(JSON.stringify({ ...secret, scope: "", setup: "more" }))).toEqual({ ...secret, scope: "" });
  });

  test.each(["", "null", "[]", "{", "7", ...Object.keys(secret).map((name) => JSON.stringify({ ...secret, [name]: undefined })), JSON.stringify({ ...secret, port: "6379" }), JSON.stringify({ ...secret, password: "" })])("is none when it is not whole: %s", (text) => {
    expect(parseStoreSecret(text)).toBeUndefined();
  });
});

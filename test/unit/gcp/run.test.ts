
import { invocations } from "../../../components/gcp/run/invokers";
import { RunServices } from "../../../components/gcp/run/run-services";
import { urlVariable } from "../../../manager/src/catalog/web";
import type { RunServicesArgs } from "../../../components/gcp/run/run-services";
import { secretContainers } from "../../../components/gcp/secrets/secret-containers";
import { Secrets } from "../../../components/gcp/secrets/secrets";
import { ServiceAccounts } from "../../../components/gcp/identity/service-accounts";
import { ServiceAgents } from "../../../components/gcp/identity/service-agents";
import { inputsOf, ofType, record, RUN, SERVICES } from "./data-fixtures";
import fc from "../../support/fast-check";

const SERVICE = "gcp:cloudrunv2/service:Service";
const INVOKER = "gcp:cloudrunv2/serviceIamMember:ServiceIamMember";
const RUNNING = ["accounts", "backend", "frontend"];

function services(more: Partial<RunServicesArgs> = {}) {
  return record(() => {
    const accounts = new ServiceAccounts("accounts", { stack: "prod", services: RUNNING, machines: ["clickhouse"] });
    const agents = new ServiceAgents("agents", { project: "example", purposes: [] });
    const secrets = new Secrets("secrets", {
      stack: "prod",
      region: "europe-west1",
      containers: secretContainers("prod", SERVICES),
      accounts,
      agents,
      config: { rotationPeriodDays: 90, versionDestroyDelayDays: 30 },
      keys: null,
      deletionProtection: true,
    });
    return new RunServices("run", {
      stack: "prod",
      project: "example",
      projectNumber: "4711",
      region: "europe-west1",
      services: SERVICES,
      config: { accounts: RUN, backend: RUN, frontend: { ...RUN, poolMax: 0 } },
      accounts,
      secrets,
      vpcAccess: (service) => ({ egress: "PRIVATE_RANGES_ONLY", networkInterfaces: [{ network: "vpc", subnetwork: "services", tags: [`svc-${service}`] }] }),
      exposed: new Set(["frontend"]),
      after: () => [],
      encryptionKey: null,
      deletionProtection: true,
      ...more,
    });
  });
}

test("a service that holds a pool runs as the catalog and the configuration say, and reads its secret from a file", async () => {
  expect(inputsOf(await services(), SERVICE, "run-backend")).toEqual({
    name: "prod-backend",
    project: "example",
    location: "europe-west1",
    ingress: "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
    invokerIamDisabled: false,
    defaultUriDisabled: false,
    deletionProtection: true,
    labels: { "bulkhead-stack": "prod", "bulkhead-service": "backend" },
    traffics: [{ type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", percent: 100 }],
    template: {
      serviceAccount: "accounts-backend@example.iam.gserviceaccount.com",
      timeout: "600s",
      executionEnvironment: "EXECUTION_ENVIRONMENT_GEN2",
      maxInstanceRequestConcurrency: 80,
      scaling: { minInstanceCount: 0, maxInstanceCount: 4 },
      labels: { "bulkhead-stack": "prod", "bulkhead-service": "backend" },
      vpcAccess: { egress: "PRIVATE_RANGES_ONLY", networkInterfaces: [{ network: "vpc", subnetwork: "services", tags: ["svc-backend"] }] },
      volumes: ["database", "redis", "clickhouse"].map((name, index) => ({
        name,
        secret: { secret: ["bulkhead-prod-backend-app", "bulkhead-prod-backend-redis", "bulkhead-prod-backend-clickhouse"][index], items: [{ path: "secret.json", version: "latest" }] },
      })),
      containers: [
        {
          image: RUN.image,
          ports: { containerPort: 8000 },
          resources: { limits: { cpu: "1", memory: "512Mi" }, cpuIdle: false, startupCpuBoost: true },
          envs: [
            { name: "GOOGLE_CLOUD_PROJECT", value: "example" },
            { name: "NODE_ENV", value: "production" },
            { name: "DB_MAX_CONNECTIONS", value: "5" },
            { name: "DB_MIN_CONNECTIONS", value: "0" },
            { name: "DB_SECRET_FILE", value: "/secrets/database/secret.json" },
            { name: "REDIS_SECRET_FILE", value: "/secrets/redis/secret.json" },
            { name: "CLICKHOUSE_SECRET_FILE", value: "/secrets/clickhouse/secret.json" },
            { name: "ACCOUNTS_URL", value: "https://prod-accounts-4711.europe-west1.run.app" },
          ],
          volumeMounts: [
            { name: "database", mountPath: "/secrets/database" },
            { name: "redis", mountPath: "/secrets/redis" },
            { name: "clickhouse", mountPath: "/secrets/clickhouse" },
          ],
          startupProbe: { httpGet: { path: "/live", port: 8000 }, periodSeconds: 5, timeoutSeconds: 4, failureThreshold: 24 },
          livenessProbe: { httpGet: { path: "/live", port: 8000 }, periodSeconds: 30, timeoutSeconds: 10, failureThreshold: 3 },
        },
      ],
    },
  });
});

test("the frontend gets no secret, no database setting, and only the addresses of the services that it calls", async () => {
  const resources = await services();
  const { template } = inputsOf(resources, SERVICE, "run-frontend") as unknown as { template: { volumes: unknown[]; containers: { envs: { name: string; value: string }[]; volumeMounts: unknown[] }[] } };
  expect(template.volumes).toEqual([]);
  expect(template.containers[0]?.volumeMounts).toEqual([]);
  expect(template.containers[0]?.envs).toEqual([
    { name: "GOOGLE_CLOUD_PROJECT", value: "example" },
    { name: "NODE_ENV", value: "production" },
    { name: "BACKEND_URL", value: "https://prod-backend-4711.europe-west1.run.app" },
    { name: "ACCOUNTS_URL", value: "https://prod-accounts-4711.europe-west1.run.app" },
  ]);
  const grants = ofType(resources, "gcp:secretmanager/secretIamMember:SecretIamMember");
  expect(grants.filter(({ inputs }) => String(inputs["member"]).includes("frontend"))).toEqual([]);
});

test("invokers are exactly the catalog's calls among the services that run", async () => {
  const grants = ofType(await services(), INVOKER).map(({ inputs }) => [inputs["name"], inputs["role"], inputs["member"]]);
  const account = (service: string) => `serviceAccount:accounts-${service}@example.iam.gserviceaccount.com`;
  expect(grants).toEqual([
    ["prod-accounts", "roles/run.invoker", account("backend")],
    ["prod-accounts", "roles/run.invoker", account("frontend")],
    ["prod-backend", "roles/run.invoker", account("frontend")],
  ]);
});

test("only the service behind the load balancer goes without Google's token, and nobody is allUsers", async () => {
  const resources = await services();
  const open = ofType(resources, SERVICE).filter(({ inputs }) => inputs["invokerIamDisabled"] === true);
  expect(open.map(({ name }) => name)).toEqual(["run-frontend"]);
  expect(ofType(resources, SERVICE).every(({ inputs }) => inputs["ingress"] === "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER")).toBe(true);
  expect(JSON.stringify(resources)).not.toMatch(/allUsers|allAuthenticatedUsers/);
});

test("an exposed service has no address of its own, unless another service calls it there", async () => {
  const resources = await services({ exposed: new Set(["frontend", "backend"]) });
  expect(inputsOf(resources, SERVICE, "run-frontend")).toMatchObject({ defaultUriDisabled: true });
  expect(inputsOf(resources, SERVICE, "run-backend")).toMatchObject({ defaultUriDisabled: false, invokerIamDisabled: true });
});

test("a service without an image does not run, and is called by nobody", async () => {
  const resources = await services();
  expect(ofType(resources, SERVICE).map(({ name }) => name)).toEqual(["run-accounts", "run-backend", "run-frontend"]);
  expect(JSON.stringify(resources)).not.toContain("AUTH_URL");
});

test("two services that call each other know each other's address", async () => {
  const both = SERVICES.map((service) => (service.name === "accounts" ? { ...service, calls: ["backend"] } : service));
  const resources = await services({ services: both });
  expect(JSON.stringify(inputsOf(resources, SERVICE, "run-accounts"))).toContain("BACKEND_URL");
  expect(ofType(resources, INVOKER)).toHaveLength(4);
});

test("a key of one's own, no way into the VPC and a transform arrive at the service", async () => {
  const resources = await services({ encryptionKey: "projects/p/key", vpcAccess: () => null, transform: { service: (given) => ({ ...given, description: "bent" }) } });
  const accounts = inputsOf(resources, SERVICE, "run-accounts");
  expect(accounts).toMatchObject({ description: "bent", template: { encryptionKey: "projects/p/key" } });
  expect(accounts["template"]).not.toHaveProperty("vpcAccess");
});

test("no invocation is invented, doubled, or lost, whatever the catalog", () => {
  const name = fc.constantFrom("a", "b", "c", "d", "e");
  fc.assert(
    fc.property(fc.uniqueArray(fc.record({ name, calls: fc.array(name) }), { selector: (service) => service.name }), fc.uniqueArray(name), (catalog, running) => {
      const found = invocations(catalog, new Set(running)).map(({ caller, callee }) => `${caller}>${callee}`);
      const wanted = catalog.flatMap((service) => service.calls.filter((callee) => running.includes(service.name) && running.includes(callee)).map((callee) => `${service.name}>${callee}`));
      expect([...found].sort()).toEqual([...new Set(wanted)].sort());
    }),
  );
});

test("a name with hyphens makes a variable that a shell can read", () => {
  expect(urlVariable("user-files")).toBe("USER_FILES_URL");
});


import { parseGcpConfig } from "../../../components/gcp/config/parse-gcp-config";
import type { Reach } from "../../../components/gcp/reach/reach";
import { GcpTier } from "../../../components/gcp/tier";
import { Workloads } from "../../../components/gcp/workloads";
import { gcpOutputs, prodConfig, shippedCatalog } from "../../support/gcp-stack";
import { recordResources } from "../../support/pulumi-mocks";
import type { RecordedResource } from "../../support/pulumi-mocks";

const NOWHERE: Reach = { preflight: async () => {}, look: async () => undefined, open: async () => null };

/** Everything that a stack with these settings declares, but for the compartments. What Google makes of it is not asked here. */
function declare(changes: Readonly<Record<string, unknown>> = {}): Promise<RecordedResource[]> {
  return recordResources(() => {
    const catalog = shippedCatalog();
    const config = parseGcpConfig(prodConfig(changes), catalog);
    const tier = new GcpTier("tier", { stack: "prod", config, catalog, reach: NOWHERE });
    new Workloads("services", { stack: "prod", config, catalog, tier, after: () => [] });
  }, gcpOutputs);
}

const shortType = (type: string): string => type.split(":").at(-1)!;
const ofType = (resources: readonly RecordedResource[], type: string): RecordedResource[] => resources.filter((resource) => shortType(resource.type) === type);

/** Every value inside a resource's inputs with its path. */
function* leaves(value: unknown, path = ""): Generator<[string, unknown]> {
  if (Array.isArray(value)) for (const [index, entry] of value.entries()) yield* leaves(entry, `${path}[${index}]`);
  else if (typeof value === "object" && value !== null) for (const [key, entry] of Object.entries(value)) yield* leaves(entry, path === "" ? key : `${path}.${key}`);
  else yield [path, value];
}

describe("the stack of Pulumi.prod.yaml", () => {
  let resources: RecordedResource[];
  beforeAll(async () => {
    resources = await declare();
  }, 60_000);

  it("gives no two resources of a type the same name", () => {
    const names = resources.map(({ type, name }) => `${type} ${name}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it("lets nobody in from everywhere", () => {
    const open = ofType(resources, "Firewall").filter(({ inputs }) => inputs["allows"] !== undefined && [...leaves([inputs["sourceRanges"], inputs["destinationRanges"]])].some(([, range]) => range === "0.0.0.0/0" || range === "::/0"));
    expect(open).toEqual([]);
  });

  it("names neither everybody nor every Google account in any grant", () => {
    const members = resources.flatMap(({ name, inputs }) => [...leaves(inputs)].filter(([, value]) => value === "allUsers" || value === "allAuthenticatedUsers").map(([path]) => `${name} ${path}`));
    expect(members).toEqual([]);
  });

  it("gives a public address to the load balancer only", () => {
    expect(ofType(resources, "Instance").filter(({ inputs }) => [...leaves(inputs)].some(([path]) => path.includes("accessConfigs")))).toEqual([]);
    expect(ofType(resources, "DatabaseInstance").map(({ inputs }) => (inputs as { settings: { ipConfiguration: { ipv4Enabled: boolean } } }).settings.ipConfiguration.ipv4Enabled)).toEqual([false]);
    const external = [...ofType(resources, "GlobalAddress"), ...ofType(resources, "Address")].filter(({ inputs }) => inputs["addressType"] !== "INTERNAL").map(({ name }) => name);
    expect(external).toEqual(["edge"]);
  });

  it("labels everything that can be labelled", () => {
    const labelled = new Set(["DatabaseInstance", "Secret", "Topic", "Disk", "ManagedZone", "CryptoKey", "Certificate", "CertificateMap", "Job", "GlobalForwardingRule"]);
    const isLabelled = ({ inputs }: RecordedResource): boolean => [...leaves(inputs)].some(([path, value]) => /(^|\.)(labels|userLabels)\.bulkhead-stack$/.test(path) && value === "prod");
    const without = resources.filter((resource) => (labelled.has(shortType(resource.type)) || resource.type === "gcp:redis/instance:Instance" || resource.type === "gcp:cloudrunv2/service:Service" || resource.type === "gcp:compute/instance:Instance") && !isLabelled(resource));
    expect(without.map(({ type, name }) => `${type} ${name}`)).toEqual([]);
  });

  it("lets services call each other exactly along the catalog's calls", () => {
    const grants = ofType(resources, "ServiceIamMember").map(({ inputs }) => ({ callee: inputs["name"], role: inputs["role"], member: inputs["member"] }));
    const account = (service: string): string => `serviceAccount:prod-${service}@example-project.iam.gserviceaccount.com`;
    expect(grants).toHaveLength(3);
    expect(grants).toEqual(
      expect.arrayContaining([
        { callee: "prod-accounts", role: "roles/run.invoker", member: account("frontend") },
        { callee: "prod-backend", role: "roles/run.invoker", member: account("frontend") },
        { callee: "prod-accounts", role: "roles/run.invoker", member: account("backend") },
      ]),
    );
  });

  it("gives the frontend neither a secret nor a way to any database", () => {
    const frontend = resources.find(({ type, name }) => type === "gcp:cloudrunv2/service:Service" && name.endsWith("frontend"))!;
    expect([...leaves(frontend.inputs)].filter(([path]) => /secret/i.test(path))).toEqual([]);
    const readers = ofType(resources, "SecretIamMember").filter(({ inputs }) => String(inputs["member"]).includes("frontend"));
    expect(readers).toEqual([]);
    const rules = ofType(resources, "Firewall").filter(({ inputs }) => inputs["allows"] !== undefined && [...leaves([inputs["targetTags"], inputs["sourceTags"]])].some(([, tag]) => tag === "svc-frontend"));
    expect(rules).toEqual([]);
  });

  it("lets each secret be read by one service at most, its own", () => {
    const readers = ofType(resources, "SecretIamMember").filter(({ name, inputs }) => inputs["role"] === "roles/secretmanager.secretAccessor" && !name.endsWith("setup-reader"));
    const wrong = readers.filter(({ name, inputs }) => {
      const reader = /^serviceAccount:(?:prod-)?([a-z0-9-]+)@/.exec(String(inputs["member"]))?.[1] ?? "nobody";
      return !name.startsWith(`secrets-${reader}-`) && !(reader.includes("clickhouse") && name.includes("clickhouse"));
    });
    expect(wrong.map(({ name, inputs }) => `${name}: ${String(inputs["member"])}`)).toEqual([]);
    expect(readers.map(({ name }) => name)).toEqual(expect.arrayContaining(["secrets-accounts-app-reader", "secrets-backend-app-reader"]));
  });

  it("writes no secret's value into Pulumi's state", () => {
    expect(resources.filter(({ type }) => ["SecretVersion", "User", "SslCert"].includes(shortType(type)))).toEqual([]);
  });

  it("keeps every address range private", () => {
    const ranges = [...ofType(resources, "Subnetwork"), ...ofType(resources, "Connector")].map(({ inputs }) => String(inputs["ipCidrRange"]));
    expect(ranges.length).toBeGreaterThan(0);
    for (const range of ranges) expect(range).toMatch(/^(10\.|172\.(1[6-9]|2\d|3[01])\.|192\.168\.)/);
  });
});

describe("the stack's variants", () => {
  it("makes two connectors in connector mode, and no direct interface for a service that uses a store", async () => {
    const resources = await declare({ "bulkhead:egress": { mode: "connector" } });
    expect(ofType(resources, "Connector")).toHaveLength(2);
    const services = resources.filter(({ type }) => type === "gcp:cloudrunv2/service:Service");
    const connectors = services.flatMap(({ inputs }) => [...leaves(inputs)].filter(([path]) => path.endsWith("vpcAccess.connector")).map(([, value]) => value));
    expect(new Set(connectors).size).toBe(2);
  }, 60_000);

  it("makes a bastion for the tunnel, and nothing of the job", async () => {
    const resources = await declare({ "bulkhead:reach": { transport: "tunnel", members: ["group:ops@example.com"] } });
    expect(ofType(resources, "TunnelInstanceIAMMember")).toHaveLength(1);
    expect(ofType(resources, "Job")).toEqual([]);
  }, 60_000);

  it("makes neither store nor edge where they are off, in a catalog that does not ask for them", async () => {
    const resources = await recordResources(() => {
      const shipped = shippedCatalog();
      const catalog = { services: shipped.services.map((service) => ({ ...service, redis: false, clickhouse: false, path: null })) };
      const config = parseGcpConfig(prodConfig({ "bulkhead:redis": undefined, "bulkhead:clickhouse": undefined, "bulkhead:edge": undefined, "bulkhead:encryption": undefined }), catalog);
      const tier = new GcpTier("tier", { stack: "prod", config, catalog, reach: NOWHERE });
      new Workloads("services", { stack: "prod", config, catalog, tier, after: () => [] });
    }, gcpOutputs);
    expect(resources.map(({ type }) => type).filter((type) => /redis|clickhouse|certificate|ForwardingRule|KeyRing/i.test(type))).toEqual([]);
  }, 60_000);
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";


import { Cloud } from "../../support/simulated-cloud/provider/cloud";
import { contains, overlaps, parseRange } from "../../support/simulated-cloud/provider/gcp/address-range";
import { gcp } from "../../support/simulated-cloud/provider/gcp/gcp-package";
import type { Values } from "../../support/simulated-cloud/provider/property-values";
import { SimulatedProvider } from "../../support/simulated-cloud/provider/provider";
import fc from "../../support/fast-check";

const config = { project: "simulated", region: "europe-west3", zone: "europe-west3-a" };
let dir: string;
let provider: SimulatedProvider;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "bulkhead-rules-"));
  provider = new SimulatedProvider(gcp, dir, undefined);
  provider.configure(config);
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const target = (type: string, name: string): { type: string; name: string; urn: string } => ({ type: `gcp:${type}`, name, urn: `urn:pulumi:test::test::gcp:${type}::${name}` });

/** Checks and makes a resource as the engine would. @returns its id */
async function make(type: string, name: string, inputs: Values): Promise<string> {
  const checked = provider.check(target(type, name), {}, inputs, new Uint8Array(32));
  if (checked.failures.length > 0) throw new Error(checked.failures.join("; "));
  return (await provider.create(target(type, name), checked.inputs)).id;
}

const network = (): Promise<string> => make("compute/network:Network", "tier", { name: "tier", autoCreateSubnetworks: false });
const sql = (privateNetwork: string, more: Values = {}): Values => ({ name: "db", databaseVersion: "POSTGRES_17", deletionProtection: false, settings: { tier: "db-f1-micro", ipConfiguration: { ipv4Enabled: false, privateNetwork } }, ...more });

test("a range that is none, or has bits behind its prefix, is refused", () => {
  for (const range of ["10.0.0.1/24", "10.0.0.0/33", "10.0.0/24", "300.0.0.0/8", "x"]) {
    expect(provider.check(target("compute/subnetwork:Subnetwork", "a"), {}, { network: "n", ipCidrRange: range }, new Uint8Array(1)).failures.join()).toContain("CIDR");
  }
});

test("two ranges overlap when one contains the other, and never else", () => {
  const ranges = fc.tuple(fc.nat(2 ** 32 - 1), fc.integer({ min: 0, max: 32 })).map(([address, bits]) => {
    const size = 2 ** (32 - bits);
    const first = Math.floor(address / size) * size;
    return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".")}/${bits}`;
  });
  fc.assert(
    fc.property(ranges, ranges, (a, b) => {
      const [one, other] = [parseRange(a)!, parseRange(b)!];
      expect(overlaps(one, other)).toBe(contains(one, other) || contains(other, one));
    }),
  );
});

test("a subnet grows in place and is replaced to shrink", () => {
  expect(gcp.forcesReplacement("gcp:compute/subnetwork:Subnetwork", { ipCidrRange: "10.0.1.0/24" }, { ipCidrRange: "10.0.0.0/23" })).toEqual([]);
  expect(gcp.forcesReplacement("gcp:compute/subnetwork:Subnetwork", { ipCidrRange: "10.0.0.0/23" }, { ipCidrRange: "10.0.0.0/24" })).toEqual(["ipCidrRange"]);
});

test("project and region have to come from somewhere", () => {
  provider.configure({});
  const { failures } = provider.check(target("compute/router:Router", "a"), {}, { network: "n" }, new Uint8Array(1));
  expect(failures).toEqual(["project: required field is not set, in the resource or as gcp:project", "region: required field is not set, in the resource or as gcp:region"]);
});

test("a connector needs its size and a place", () => {
  const { failures } = provider.check(target("vpcaccess/connector:Connector", "a"), {}, { name: "a-b", network: "n", ipCidrRange: "10.0.0.0/27" }, new Uint8Array(1));
  expect(failures).toEqual(["ipCidrRange: must be a /28", "a connector must specify either maxInstances or maxThroughput", "a connector must specify either minInstances or minThroughput"]);
});

test("a name that is taken, and a network that is not there, are refused", async () => {
  await network();
  await expect(network()).rejects.toThrow("Error 409");
  await expect(make("compute/firewall:Firewall", "f", { network: "other", allows: [{ protocol: "tcp" }], sourceRanges: ["10.0.0.0/8"] })).rejects.toThrow("Error 404: network: the resource 'other' was not found");
});

test("a private instance needs the connection, and the connection stays as long as the instance", async () => {
  const id = await network();
  await expect(make("sql/databaseInstance:DatabaseInstance", "db", sql(id))).rejects.toThrow("at least 1 private services connection");
  const connection = await make("servicenetworking/connection:Connection", "c", { network: id, service: "servicenetworking.googleapis.com", reservedPeeringRanges: [] });
  const instance = await make("sql/databaseInstance:DatabaseInstance", "db", sql(id));
  await expect(provider.delete(target("servicenetworking/connection:Connection", "c"), connection)).rejects.toThrow("Producer services");
  await provider.delete(target("sql/databaseInstance:DatabaseInstance", "db"), instance);
  await provider.delete(target("servicenetworking/connection:Connection", "c"), connection);
  await provider.delete(target("compute/network:Network", "tier"), id);
  expect(new Cloud(dir).all()).toEqual([]);
});

test("a connection that is abandoned goes with its network", async () => {
  const id = await network();
  const connection = await make("servicenetworking/connection:Connection", "c", { network: id, service: "servicenetworking.googleapis.com", reservedPeeringRanges: [], deletionPolicy: "ABANDON" });
  await provider.delete(target("servicenetworking/connection:Connection", "c"), connection);
  expect(new Cloud(dir).all()).toHaveLength(2);
  await provider.delete(target("compute/network:Network", "tier"), id);
  expect(new Cloud(dir).all()).toEqual([]);
});

test("the name of a deleted Cloud SQL instance cannot be had again", async () => {
  const id = await network();
  await make("servicenetworking/connection:Connection", "c", { network: id, service: "servicenetworking.googleapis.com", reservedPeeringRanges: [] });
  await provider.delete(target("sql/databaseInstance:DatabaseInstance", "db"), await make("sql/databaseInstance:DatabaseInstance", "db", sql(id)));
  await expect(make("sql/databaseInstance:DatabaseInstance", "db", sql(id))).rejects.toThrow("one week");
});

test.each<[string, string, Values, string]>([
  ["both switches of Cloud SQL", "sql/databaseInstance:DatabaseInstance", { name: "db", databaseVersion: "POSTGRES_17", deletionProtection: false, settings: { tier: "x", deletionProtectionEnabled: true } }, "The instance is protected"],
  ["Cloud SQL's default", "sql/databaseInstance:DatabaseInstance", { name: "db", databaseVersion: "POSTGRES_17", settings: { tier: "x" } }, "deletionProtection=false"],
  ["Redis, where nothing is said", "redis/instance:Instance", { name: "cache", memorySizeGb: 1 }, "deletionProtection=false"],
  ["Cloud Run's default", "cloudrunv2/service:Service", { name: "web", location: "europe-west3", template: { containers: [{ image: "web:1" }] } }, "deletionProtection=false"],
  ["a deletionPolicy", "compute/network:Network", { name: "n", deletionPolicy: "PREVENT" }, "deletionPolicy is PREVENT"],
])("%s protects from deletion", async (_, type, inputs, message) => {
  const id = await make(type, "x", inputs);
  await expect(provider.delete(target(type, "x"), id)).rejects.toThrow(message);
});

test("a bucket with something in it is deleted by force only", async () => {
  const id = await make("storage/bucket:Bucket", "b", { name: "backups", location: "EU" });
  writeFileSync(join(new Cloud(dir).folder("buckets", id), "object"), "");
  await expect(provider.delete(target("storage/bucket:Bucket", "b"), id)).rejects.toThrow("without forceDestroy");
});

test("a member of a role has to be there, unless it is nothing of this project", async () => {
  const secret = await make("secretmanager/secret:Secret", "s", { secretId: "s", replication: { auto: {} } });
  const grant = (member: string): Promise<string> => make("secretmanager/secretIamMember:SecretIamMember", member, { secretId: secret, role: "roles/secretmanager.secretAccessor", member });
  await expect(grant("serviceAccount:auth@simulated.iam.gserviceaccount.com")).rejects.toThrow("Error 404: member");
  await make("serviceaccount/account:Account", "auth-service", { accountId: "auth-service" });
  await grant("serviceAccount:auth-service@simulated.iam.gserviceaccount.com");
  await grant("serviceAccount:service-123456789012@gcp-sa-secretmanager.iam.gserviceaccount.com");
  await grant("group:dba@example.com");
});

test("an API has to be enabled where the cloud asks for it", async () => {
  process.env["SIMULATED_CLOUD_REQUIRE_APIS"] = "true";
  try {
    provider.configure(config);
    await expect(network()).rejects.toThrow("compute.googleapis.com has not been used");
    await make("projects/service:Service", "compute", { service: "compute.googleapis.com" });
    await network();
  } finally {
    delete process.env["SIMULATED_CLOUD_REQUIRE_APIS"];
  }
});

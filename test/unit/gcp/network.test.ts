import { apisOf, Apis } from "../../../components/gcp/apis";
import { Firewall } from "../../../components/gcp/network/firewall";
import { firewallRules } from "../../../components/gcp/network/firewall-rules";
import { Nat } from "../../../components/gcp/network/nat";
import { Network } from "../../../components/gcp/network/network";
import { PrivateGoogle } from "../../../components/gcp/network/private-google";
import { PrivateServices } from "../../../components/gcp/network/private-services";
import { inputsOf, NETWORK, ofType, record } from "./data-fixtures";
import { CATALOG, CONNECTORS, gcpConfig } from "./network-fixtures";

const CONFIG = gcpConfig(CATALOG);

describe("Google's APIs", () => {
  it("are those that the configuration needs", () => {
    const all = apisOf({ ...CONFIG, egress: CONNECTORS, encryption: { customerManagedKeys: true }, reach: { transport: "tunnel", members: [] } });
    const least = apisOf({ ...CONFIG, redis: null, clickhouse: null, edge: null, reach: { transport: "direct", probe: null }, services: {} });
    expect(all).toEqual(expect.arrayContaining(["run", "artifactregistry", "vpcaccess", "redis", "cloudkms", "certificatemanager", "iap", "sqladmin"]));
    expect(least).toEqual(["cloudresourcemanager", "compute", "dns", "iam", "logging", "monitoring", "pubsub", "secretmanager", "servicenetworking", "sqladmin"]);
  });

  it("stay on when the stack goes", async () => {
    const resources = await record(() => new Apis("apis", { project: "example-project", config: CONFIG }));
    const services = ofType(resources, "gcp:projects/service:Service");
    expect(services).toHaveLength(apisOf(CONFIG).length);
    expect(services[0]?.inputs["service"]).toMatch(/\.googleapis\.com$/);
    for (const { inputs } of services) expect(inputs).toMatchObject({ disableOnDestroy: false, disableDependentServices: false });
  });
});

describe("the VPC", () => {
  it("makes no subnets of Google's choice, and logs flows and names in its own", async () => {
    const resources = await record(() => new Network("network", { region: "europe-west1", config: CONFIG.network, deletionProtection: true }));
    expect(inputsOf(resources, "gcp:compute/network:Network")).toMatchObject({ autoCreateSubnetworks: false, routingMode: "REGIONAL" });
    const subnets = ofType(resources, "gcp:compute/subnetwork:Subnetwork");
    expect(subnets.map(({ name, inputs }) => [name, inputs["ipCidrRange"]])).toEqual([
      ["network-machines", "10.20.4.0/24"],
      ["network-services", "10.20.0.0/22"],
    ]);
    for (const { inputs } of subnets) {
      expect(inputs).toMatchObject({ privateIpGoogleAccess: true, stackType: "IPV4_ONLY", logConfig: { aggregationInterval: "INTERVAL_5_SEC", flowSampling: 0.5, metadata: "INCLUDE_ALL_METADATA" } });
    }
    expect(inputsOf(resources, "gcp:dns/policy:Policy")).toMatchObject({ enableLogging: true, enableInboundForwarding: false });
  });

  it("takes a transform of each child", async () => {
    const resources = await record(() => new Network("network", { region: "europe-west1", config: CONFIG.network, deletionProtection: true, transform: { vpc: { mtu: 1500 }, subnetwork: (args) => ({ ...args, description: "bent" }) } }));
    expect(inputsOf(resources, "gcp:compute/network:Network")).toMatchObject({ mtu: 1500, autoCreateSubnetworks: false });
    expect(ofType(resources, "gcp:compute/subnetwork:Subnetwork").map(({ inputs }) => inputs["description"])).toEqual(["bent", "bent"]);
  });

  it("has one way out, for its own subnets, logged", async () => {
    const resources = await record(() => new Nat("nat", { region: "europe-west1", network: NETWORK, subnetworks: ["services", "machines"] }));
    expect(inputsOf(resources, "gcp:compute/routerNat:RouterNat")).toMatchObject({
      sourceSubnetworkIpRangesToNat: "LIST_OF_SUBNETWORKS",
      subnetworks: [
        { name: "services", sourceIpRangesToNats: ["PRIMARY_IP_RANGE"] },
        { name: "machines", sourceIpRangesToNats: ["PRIMARY_IP_RANGE"] },
      ],
      logConfig: { enable: true, filter: "ALL" },
    });
  });

  it("resolves Google's domains to its private addresses", async () => {
    const resources = await record(() => new PrivateGoogle("private-google", { stack: "prod", network: NETWORK }));
    const zones = ofType(resources, "gcp:dns/managedZone:ManagedZone");
    expect(zones.map(({ inputs }) => inputs["dnsName"])).toEqual(["gcr.io.", "googleapis.com.", "pkg.dev.", "run.app."]);
    for (const { inputs } of zones) expect(inputs).toMatchObject({ visibility: "private", labels: { "bulkhead-stack": "prod" } });
    const records = ofType(resources, "gcp:dns/recordSet:RecordSet");
    expect(records.map(({ inputs }) => inputs["name"])).toEqual(expect.arrayContaining(["run.app.", "*.run.app.", "*.googleapis.com."]));
    for (const { inputs } of records) expect(inputs["rrdatas"]).toEqual(["199.36.153.8", "199.36.153.9", "199.36.153.10", "199.36.153.11"]);
  });

  it("gives Google's services a range, and abandons the connection when it goes", async () => {
    const resources = await record(() => new PrivateServices("private-services", { stack: "prod", network: NETWORK, range: "10.20.16.0/20", deletionProtection: true }));
    expect(inputsOf(resources, "gcp:compute/globalAddress:GlobalAddress")).toMatchObject({ purpose: "VPC_PEERING", addressType: "INTERNAL", address: "10.20.16.0", prefixLength: 20, network: NETWORK });
    expect(inputsOf(resources, "gcp:servicenetworking/connection:Connection")).toMatchObject({
      service: "servicenetworking.googleapis.com",
      reservedPeeringRanges: ["private-services"],
      deletionPolicy: "ABANDON",
      updateOnCreationFail: true,
    });
  });
});

describe("the firewall", () => {
  it("makes every rule, logged and on, with sources or destinations by its direction", async () => {
    const rules = firewallRules(CATALOG, CONFIG);
    const made = ofType(await record(() => new Firewall("firewall", { network: NETWORK, rules })), "gcp:compute/firewall:Firewall");
    expect(made.map(({ name }) => name)).toEqual(rules.map(({ name }) => `firewall-${name}`).sort());
    for (const { inputs } of made) expect(inputs).toMatchObject({ network: NETWORK, disabled: false, logConfig: { metadata: "INCLUDE_ALL_METADATA" } });
    expect(made.find(({ name }) => name === "firewall-backend-to-redis")?.inputs).toMatchObject({
      direction: "EGRESS",
      priority: 1000,
      allows: [{ protocol: "tcp", ports: ["6378"] }],
      targetTags: ["svc-backend"],
      destinationRanges: ["10.20.16.0/20"],
    });
    const denyIn = made.find(({ name }) => name === "firewall-deny-in")?.inputs;
    expect(denyIn).toMatchObject({ direction: "INGRESS", priority: 65_000, denies: [{ protocol: "all" }], sourceRanges: ["0.0.0.0/0"] });
    expect(denyIn).not.toHaveProperty("allows");
  });
});

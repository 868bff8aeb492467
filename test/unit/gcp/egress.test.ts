import { output } from "@pulumi/pulumi";

import type { EgressConfig } from "../../../components/gcp/config/gcp-config";
import { ServerlessEgress } from "../../../components/gcp/network/egress";
import type { VpcAccess } from "../../../components/gcp/network/egress";
import { assignConnectors } from "../../../components/gcp/network/egress-assignment";
import { Network } from "../../../components/gcp/network/network";
import { ofType, record } from "./data-fixtures";
import { CATALOG, CONNECTORS, gcpConfig } from "./network-fixtures";
import type { RecordedResource } from "../../support/pulumi-mocks";
import fc from "../../support/fast-check";

const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 30 });

describe("the connectors' services", () => {
  it("are equally many on both, give or take one", () => {
    fc.assert(
      fc.property(names, (services) => {
        const carried = [...assignConnectors(services, "both").values()];
        const onA = carried.filter((id) => id === "a").length;
        expect(Math.abs(onA - (carried.length - onA))).toBeLessThanOrEqual(1);
        expect(carried).toHaveLength(services.length);
      }),
    );
  });

  it("stay where they are when one is added at the end", () => {
    fc.assert(
      fc.property(names, (services) => {
        const before = assignConnectors(services.slice(0, -1), "both");
        const after = assignConnectors(services, "both");
        for (const [service, id] of before) expect(after.get(service)).toBe(id);
      }),
    );
  });

  it("all go through the one that is left while the other is mended", () => {
    fc.assert(fc.property(names, fc.constantFrom("a" as const, "b" as const), (services, active) => expect([...assignConnectors(services, active).values()].every((id) => id === active)).toBe(true)));
  });
});

/** Every service's way in, and the resources behind it. */
async function waysIn(egress: EgressConfig): Promise<{ access: Record<string, VpcAccess>; resources: readonly RecordedResource[] }> {
  let access: Promise<Record<string, VpcAccess>> | undefined;
  const resources = await record(() => {
    const network = new Network("network", { region: "europe-west1", config: gcpConfig(CATALOG).network, deletionProtection: true });
    const made = new ServerlessEgress("egress", { region: "europe-west1", config: egress, flowLogSampling: 0.5, network, services: CATALOG, deletionProtection: true });
    expect(() => made.vpcAccess("nobody")).toThrow(/does not run/);
    const ways = Object.fromEntries([...CATALOG.map(({ name }) => [name, made.vpcAccess(name)]), ["setup", made.direct("setup")]]) as Record<string, VpcAccess>;
    access = new Promise((resolve) => output(ways).apply((known) => resolve(known as Record<string, VpcAccess>)));
  });
  return { access: (await access)!, resources };
}

const direct = (tag: string): object => ({ egress: "ALL_TRAFFIC", networkInterfaces: [{ network: "network", subnetwork: "network-services", tags: [tag] }] });

describe("the way into the VPC", () => {
  it("is a tagged interface of each service, with direct egress", async () => {
    const { access, resources } = await waysIn({ mode: "direct" });
    expect(access).toEqual({ accounts: direct("svc-accounts"), backend: direct("svc-backend"), frontend: direct("svc-frontend"), setup: direct("setup") });
    expect(ofType(resources, "gcp:vpcaccess/connector:Connector")).toEqual([]);
  });

  it("is one of two connectors of explicit size, each in a subnet of its own", async () => {
    const { access, resources } = await waysIn(CONNECTORS);
    expect(ofType(resources, "gcp:vpcaccess/connector:Connector").map(({ name, inputs }) => ({ name, ...inputs }))).toEqual(
      ["a", "b"].map((id) => ({ name: `egress-${id}`, region: "europe-west1", subnet: { name: `egress-${id}` }, minInstances: 2, maxInstances: 4, machineType: "e2-micro" })),
    );
    expect(ofType(resources, "gcp:compute/subnetwork:Subnetwork").filter(({ name }) => name.startsWith("egress")).map(({ inputs }) => inputs["ipCidrRange"])).toEqual(CONNECTORS.ranges);
    expect(access["accounts"]).toEqual({ egress: "ALL_TRAFFIC", connector: "egress-a-id" });
    expect(access["backend"]).toEqual({ egress: "ALL_TRAFFIC", connector: "egress-b-id" });
  });

  it("never leads a service without a store, or the setup, through a connector", async () => {
    const { access } = await waysIn(CONNECTORS);
    expect(access["frontend"]).toEqual(direct("svc-frontend"));
    expect(access["setup"]).toEqual(direct("setup"));
  });

  it("keeps both connectors while one carries all", async () => {
    const { access, resources } = await waysIn({ ...CONNECTORS, active: "b" });
    expect(access["accounts"]).toEqual(access["backend"]);
    expect(access["backend"]).toEqual({ egress: "ALL_TRAFFIC", connector: "egress-b-id" });
    expect(ofType(resources, "gcp:vpcaccess/connector:Connector")).toHaveLength(2);
  });
});

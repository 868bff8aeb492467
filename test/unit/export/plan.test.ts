import { Network } from "@pulumi/gcp/compute/network";
import { Subnetwork } from "@pulumi/gcp/compute/subnetwork";
import { Secret } from "@pulumi/gcp/secretmanager/secret";
import { SecretIamMember } from "@pulumi/gcp/secretmanager/secretIamMember";
import { DatabaseInstance } from "@pulumi/gcp/sql/databaseInstance";
import { interpolate } from "@pulumi/pulumi";

import { exported } from "./programs";
import type { Plan } from "./programs";

describe("an exported plan", () => {
  let plan: Plan;
  beforeAll(async () => {
    ({ plan } = await exported(() => {
      const network = new Network("vpc");
      new Subnetwork("services", { network: network.id, ipCidrRange: "10.0.0.0/24", secondaryIpRanges: [{ rangeName: "pods", ipCidrRange: "10.1.0.0/24" }] });
      const container = new Secret("app", { secretId: "prod-app", replication: { auto: {} }, labels: { a: "b" } });
      new SecretIamMember("reader", { secretId: container.secretId, role: interpolate`roles/${network.description}`, member: "user:a@example.com" });
      new DatabaseInstance("sql", { databaseVersion: "POSTGRES_17", settings: { tier: "db-g1-small", ipConfiguration: { ipv4Enabled: false, privateNetwork: network.id } } });
    }));
  });
  const planned = (address: string): Readonly<Record<string, unknown>> => plan.planned_values.root_module.resources.find((resource) => resource.address === address)!.values;
  const change = (address: string): Plan["resource_changes"][number]["change"] => plan.resource_changes.find((resource) => resource.address === address)!.change;

  it("creates every resource", () => {
    expect(plan.resource_changes.map(({ change: { actions } }) => actions)).toEqual(Array(5).fill(["create"]));
    expect(plan.resource_changes.map(({ address }) => address)).toEqual(plan.planned_values.root_module.resources.map(({ address }) => address));
  });

  it("writes every block as a list, as the provider's schema has it", () => {
    expect(planned("google_sql_database_instance.sql")).toMatchObject({ settings: [{ tier: "db-g1-small", ip_configuration: [{ ipv4_enabled: false }] }] });
    expect(planned("google_secret_manager_secret.app")).toMatchObject({ replication: [{ auto: [{}] }], labels: { a: "b" } });
  });

  it("marks as unknown what is known only afterwards, and leaves it out of the values", () => {
    const { after, after_unknown } = change("google_compute_subnetwork.services");
    expect(after).toEqual({ name: "services", ip_cidr_range: "10.0.0.0/24", secondary_ip_range: [{ range_name: "pods", ip_cidr_range: "10.1.0.0/24" }] });
    expect(after_unknown).toEqual({ id: true, network: true, secondary_ip_range: [{}] });
    expect(change("google_sql_database_instance.sql").after_unknown).toMatchObject({ settings: [{ ip_configuration: [{ private_network: true }] }] });
  });

  it("knows an output that the program itself has given", () => {
    expect(planned("google_secret_manager_secret_iam_member.reader")).toMatchObject({ secret_id: "prod-app" });
    expect(planned("google_secret_manager_secret_iam_member.reader")).not.toHaveProperty("role");
  });

  it("tells what each argument refers to", () => {
    const expressions = plan.configuration.root_module.resources.find(({ address }) => address === "google_compute_subnetwork.services")!.expressions;
    expect(expressions).toMatchObject({ ip_cidr_range: { constant_value: "10.0.0.0/24" }, network: { references: ["google_compute_network.vpc.id", "google_compute_network.vpc"] } });
  });
});

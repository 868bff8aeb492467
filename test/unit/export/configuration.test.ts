import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { Network } from "@pulumi/gcp/compute/network";
import { Firewall } from "@pulumi/gcp/compute/firewall";
import { RouterNat } from "@pulumi/gcp/compute/routerNat";
import { Subnetwork } from "@pulumi/gcp/compute/subnetwork";
import { Secret } from "@pulumi/gcp/secretmanager/secret";
import { SecretIamMember } from "@pulumi/gcp/secretmanager/secretIamMember";
import { SecretVersion } from "@pulumi/gcp/secretmanager/secretVersion";
import { Account } from "@pulumi/gcp/serviceaccount/account";
import { DatabaseInstance } from "@pulumi/gcp/sql/databaseInstance";
import { all, ComponentResource, interpolate, secret, Stash } from "@pulumi/pulumi";

import { exported, SETTINGS } from "./programs";

const ROOT = join(__dirname, "../../..");

describe("an exported configuration", () => {
  it("names the provider and what its resources take from it", async () => {
    const { json } = await exported(() => void new Network("vpc"));
    expect(json["terraform"]).toEqual({ required_providers: { "google-beta": { source: "hashicorp/google-beta" } } });
    expect(json["provider"]).toEqual({ "google-beta": SETTINGS });
  });

  it("writes blocks, lists, maps and values with Terraform's names", async () => {
    const { resources } = await exported(() => {
      new Firewall("deny", { network: "vpc", allows: [{ protocol: "tcp", ports: ["5432"] }], sourceRanges: ["10.0.0.0/8"], logConfig: { metadata: "INCLUDE_ALL_METADATA" } });
      new DatabaseInstance("sql", { databaseVersion: "POSTGRES_17", deletionProtection: true, settings: { tier: "db-g1-small", databaseFlags: [{ name: "log_connections", value: "on" }], userLabels: { "bulkhead-stack": "prod", camelCase: "kept" } } });
      new RouterNat("nat", { router: "router", natIpAllocateOption: "AUTO_ONLY", sourceSubnetworkIpRangesToNat: "LIST_OF_SUBNETWORKS", subnetworks: [{ name: "s", sourceIpRangesToNats: ["ALL_IP_RANGES"] }] });
    });
    expect(resources["google_compute_firewall.deny"]).toMatchObject({ allow: [{ protocol: "tcp", ports: ["5432"] }], source_ranges: ["10.0.0.0/8"], log_config: { metadata: "INCLUDE_ALL_METADATA" } });
    expect(resources["google_sql_database_instance.sql"]).toMatchObject({ database_version: "POSTGRES_17", deletion_protection: true, settings: { tier: "db-g1-small", database_flags: [{ name: "log_connections", value: "on" }], user_labels: { "bulkhead-stack": "prod", camelCase: "kept" } } });
    expect(resources["google_compute_router_nat.nat"]).toMatchObject({ subnetwork: [{ name: "s", source_ip_ranges_to_nat: ["ALL_IP_RANGES"] }] });
  });

  it("keeps a reference where an argument is made from another resource, also inside of a text", async () => {
    const { resources } = await exported(() => {
      const network = new Network("vpc");
      new Subnetwork("services", { network: network.id, ipCidrRange: "10.0.0.0/24" });
      const account = new Account("auth", { accountId: "prod-auth" });
      const container = new Secret("app", { secretId: "prod-auth-app", replication: { auto: {} } });
      new SecretIamMember("reader", { secretId: container.secretId, role: "roles/secretmanager.secretAccessor", member: interpolate`serviceAccount:${account.email}` });
    });
    expect(resources["google_compute_subnetwork.services"]).toMatchObject({ network: "${google_compute_network.vpc.id}" });
    expect(resources["google_secret_manager_secret_iam_member.reader"]).toMatchObject({ secret_id: "${google_secret_manager_secret.app.secret_id}", member: "serviceAccount:${google_service_account.auth.email}" });
    expect(resources["google_secret_manager_secret.app"]).toMatchObject({ replication: { auto: {} } });
  });

  it("follows an output through what the program does to it", async () => {
    const { resources } = await exported(() => {
      const network = new Network("vpc");
      const labels = all([network.name, network.selfLink]).apply(([name, link]) => JSON.stringify({ name, link }));
      new Network("other", { description: labels });
    });
    expect(resources["google_compute_network.other"]!["description"]).toBe('{"name":"${google_compute_network.vpc.name}","link":"${google_compute_network.vpc.self_link}"}');
  });

  it("never writes a secret's value", async () => {
    const { resources, json, plan } = await exported(() => {
      new SecretVersion("v", { secret: "projects/p/secrets/s", secretData: secret("hunter2 of production") });
      const network = new Network("n", { description: secret("vpc").apply((text) => `${text} hunter2`) });
      new Network("follows", { description: network.description.apply((text) => text ?? "nothing") });
    });
    expect(resources["google_compute_network.follows"]).toMatchObject({ description: "${google_compute_network.n.description}" });
    expect(resources["google_secret_manager_secret_version.v"]).toMatchObject({ secret_data: "${var.google_secret_manager_secret_version_v_secret_data}" });
    expect(json["variable"]).toMatchObject({ google_secret_manager_secret_version_v_secret_data: { type: "string", sensitive: true }, google_compute_network_n_description: { sensitive: true } });
    expect(JSON.stringify([json, plan])).not.toContain("hunter2");
    expect(plan.resource_changes.find(({ address }) => address === "google_secret_manager_secret_version.v")!.change.after_sensitive).toEqual({ secret_data: true });
  });

  it("escapes what Terraform would take for an expression", async () => {
    const { resources } = await exported(() => {
      new Network("script", { description: "echo ${HOME} %{ if } $HOME $${X}" });
    });
    expect(resources["google_compute_network.script"]!["description"]).toBe("echo $${HOME} %%{ if } $HOME $$${X}");
  });

  it("turns protection, ignored changes and times into what Terraform has for them", async () => {
    const { resources } = await exported(() => {
      new DatabaseInstance("sql", { databaseVersion: "POSTGRES_17", settings: { tier: "db-g1-small", databaseFlags: [{ name: "a", value: "b" }] } }, { protect: true, ignoreChanges: ["settings.diskSize", "settings.databaseFlags[0].value"], customTimeouts: { create: "60m" } });
    });
    expect(resources["google_sql_database_instance.sql"]).toMatchObject({ lifecycle: { prevent_destroy: true, ignore_changes: ["settings[0].disk_size", "settings[0].database_flags[0].value"] }, timeouts: { create: "60m" } });
  });

  it("names in depends_on only what does not follow from elsewhere", async () => {
    const { resources } = await exported(() => {
      const first = new Network("first");
      const second = new Network("second", {}, { dependsOn: [first] });
      new Subnetwork("third", { network: second.id, ipCidrRange: "10.0.0.0/24" }, { dependsOn: [first, second] });
      new Network("fourth", {}, { dependsOn: [first, second] });
    });
    expect(resources["google_compute_network.second"]).toMatchObject({ depends_on: ["google_compute_network.first"] });
    expect(resources["google_compute_subnetwork.third"]).not.toHaveProperty("depends_on");
    expect(resources["google_compute_network.fourth"]).toMatchObject({ depends_on: ["google_compute_network.second"] });
  });

  it("waits for what is inside of a component that it depends on", async () => {
    const { resources } = await exported(() => {
      const component = new ComponentResource("test:index:Thing", "thing");
      new Network("inside", {}, { parent: component });
      new Network("outside", {}, { dependsOn: [component] });
    });
    expect(resources["google_compute_network.outside"]).toMatchObject({ depends_on: ["google_compute_network.inside"] });
  });

  it("gives two resources of the same name under different parents addresses of their own", async () => {
    const { resources } = await exported(() => {
      for (const parent of ["a", "b"]) new Network("same", {}, { parent: new ComponentResource(`test:index:${parent}`, parent) });
    });
    expect(Object.keys(resources)).toEqual(["google_compute_network.same", "google_compute_network.same-2"]);
  });

  it("names a resource as Pulumi would, without the random digits", async () => {
    const { resources } = await exported(() => {
      new Network("vpc");
      new Network("other", { name: "given" });
      new Secret("container", { secretId: "s", replication: { auto: {} } });
    });
    expect(resources["google_compute_network.vpc"]).toMatchObject({ name: "vpc" });
    expect(resources["google_compute_network.other"]).toMatchObject({ name: "given" });
    expect(resources["google_secret_manager_secret.container"]).not.toHaveProperty("name");
  });

  it("leaves out what is Pulumi's own", async () => {
    const { resources } = await exported(() => {
      const stash = new Stash("anchor", { input: "x" });
      new Network("vpc", {}, { dependsOn: [stash] });
    });
    expect(Object.keys(resources)).toEqual(["google_compute_network.vpc"]);
  });

  it("tells which arguments it had to leave out", async () => {
    const { resources, leftOut } = await exported(() => {
      const account = new DatabaseInstance("sql", { databaseVersion: "POSTGRES_17" });
      new Network("vpc", { description: account.serverCaCerts.apply((certificates) => certificates[0]!.cert) });
    });
    expect(resources["google_compute_network.vpc"]).not.toHaveProperty("description");
    expect(leftOut).toEqual(["google_compute_network.vpc: description"]);
  });

  it("fails where the program fails", async () => {
    await expect(exported(() => { throw new Error("no such machine type"); })).rejects.toThrow("no such machine type");
  });

  it("fails where the program fails inside of an output", () => {
    // In a process of its own: Pulumi leaves such an error to the process, which here is jest's.
    const script = `
      const { output } = require("@pulumi/pulumi");
      const { Network } = require("@pulumi/gcp/compute/network");
      const { recordProgram } = require("./scripts/export/record-program");
      recordProgram("test", () => void new Network("vpc", { description: output("x").apply(() => { throw new Error("no such zone"); }) })).then(
        () => console.log("went through"),
        (error) => console.log("rejected: " + error.message),
      );`;
    const stdout = execFileSync(process.execPath, ["-r", "tsx/cjs", "-e", script], { cwd: ROOT, encoding: "utf8", timeout: 60_000 });
    expect(stdout).toMatch(/^rejected: .*no such zone/);
  }, 60_000);
});

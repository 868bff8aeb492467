import { Network } from "@pulumi/gcp/compute/network";
import { GlobalAddress } from "@pulumi/gcp/compute/globalAddress";
import { Subnetwork } from "@pulumi/gcp/compute/subnetwork";
import { Connection } from "@pulumi/gcp/servicenetworking/connection";
import { DatabaseInstance } from "@pulumi/gcp/sql/databaseInstance";
import type { DatabaseInstanceArgs } from "@pulumi/gcp/sql/databaseInstance";
import { User } from "@pulumi/gcp/sql/user";
import { secret } from "@pulumi/pulumi";

import { UNKNOWN } from "../support/simulated-cloud/provider/property-values";
import { SimulatedCloud } from "../support/simulated-cloud/simulated-cloud";
import { SimulatedStack } from "../support/simulated-cloud/stack";
import type { Run } from "../support/simulated-cloud/stack";

const NETWORK = "gcp:compute/network:Network";
const SUBNETWORK = "gcp:compute/subnetwork:Subnetwork";
const CONNECTION = "gcp:servicenetworking/connection:Connection";
const SQL_INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance";
/** Runs of the engine take a second or two each. */
const TIMEOUT_MS = 180_000;

/** What a test varies of the tier. */
interface Tier {
  readonly range?: string;
  readonly networkDescription?: string;
  readonly tier?: string;
  readonly deletionProtection?: boolean;
  readonly sql?: Partial<DatabaseInstanceArgs>;
  readonly password?: string;
}

/** A network with a private Postgres in it. */
function tier({ range = "10.0.0.0/24", networkDescription, tier: machine = "db-custom-1-3840", deletionProtection = false, sql = {}, password }: Tier = {}): () => Promise<Record<string, unknown>> {
  return async () => {
    const network = new Network("tier", { autoCreateSubnetworks: false, ...(networkDescription === undefined ? {} : { description: networkDescription }) });
    const subnet = new Subnetwork("tier-services", { network: network.id, ipCidrRange: range });
    const peering = new GlobalAddress("tier-google", { network: network.id, purpose: "VPC_PEERING", addressType: "INTERNAL", prefixLength: 16 });
    const connection = new Connection("tier-google", { network: network.id, service: "servicenetworking.googleapis.com", reservedPeeringRanges: [peering.name] });
    const instance = new DatabaseInstance(
      "tier",
      { databaseVersion: "POSTGRES_17", deletionProtection, settings: { tier: machine, edition: "ENTERPRISE", ipConfiguration: { ipv4Enabled: false, privateNetwork: network.id } }, ...sql },
      { dependsOn: [connection] },
    );
    if (password !== undefined) new User("admin", { instance: instance.name, password: secret(password) });
    return { link: subnet.selfLink, address: instance.privateIpAddress };
  };
}

async function withStack(program: () => Promise<Record<string, unknown>>, test: (stack: SimulatedStack, cloud: SimulatedCloud) => Promise<void>): Promise<void> {
  const cloud = SimulatedCloud.create();
  const stack = await SimulatedStack.create({ cloud, program });
  try {
    await test(stack, cloud);
  } finally {
    stack.dispose();
    await cloud.dispose();
  }
}

function expectOk(run: Run): Run {
  expect({ ok: run.ok, diagnostics: run.diagnostics }).toEqual({ ok: true, diagnostics: [] });
  return run;
}

function ops(run: Run): string[] {
  return run.steps.filter(({ type }) => type.startsWith("gcp:")).map(({ op, type, name }) => `${op} ${type.split(":").at(-1)!} ${name}`);
}

test("a deployment goes through its whole life", () =>
  withStack(tier({ password: "correct horse" }), async (stack, cloud) => {
    const preview = expectOk(await stack.preview());
    expect(preview.outputs).toEqual({ link: UNKNOWN, address: UNKNOWN });
    expect(cloud.resources()).toEqual([]);

    const up = expectOk(await stack.up());
    expect(up.changes).toEqual({ create: 7 });
    expect(up.outputs["link"]).toMatch(/^https:\/\/www\.googleapis\.com\/compute\/v1\/projects\/simulated\/regions\/europe-west3\/subnetworks\/tier-services-[0-9a-f]{7}$/);
    expect(cloud.operations().map(({ name }) => name).indexOf("tier-google")).toBeLessThan(cloud.operations().findIndex(({ type }) => type === SQL_INSTANCE));
    // The cloud knows the password, and the state does not.
    expect(cloud.resource("gcp:sql/user:User", "admin").inputs["password"]).toBe("correct horse");
    expect(JSON.stringify(stack.state())).not.toContain("correct horse");

    expect(expectOk(await stack.up()).changes).toEqual({ same: 7 });

    stack.program = tier({ password: "correct horse", tier: "db-custom-2-7680" });
    const update = expectOk(await stack.up());
    expect(update.steps).toEqual([expect.objectContaining({ op: "update", type: SQL_INSTANCE, diff: { "settings.tier": "update" } })]);
    // What the cloud added is still there.
    expect(update.outputs).toEqual(up.outputs);

    stack.program = tier({ password: "correct horse", tier: "db-custom-2-7680", range: "10.0.8.0/24" });
    const replacement = expectOk(await stack.up());
    expect(replacement.steps.find(({ op }) => op === "replace")?.diff).toEqual({ ipCidrRange: "update-replace" });
    expect(ops(replacement)).toEqual(["create-replacement Subnetwork tier-services", "replace Subnetwork tier-services", "delete-replaced Subnetwork tier-services"]);

    cloud.edit(SQL_INSTANCE, "tier", (resource) => {
      resource.inputs = { ...resource.inputs, settings: { ...(resource.inputs["settings"] as Record<string, never>), tier: "db-f1-micro" } };
    });
    expect(expectOk(await stack.refresh()).changes).toEqual({ same: 6, update: 1 });
    expect(ops(expectOk(await stack.up()))).toEqual(["update DatabaseInstance tier"]);
    cloud.remove("gcp:sql/user:User", "admin");
    expect(expectOk(await stack.refresh()).changes).toEqual({ same: 6, delete: 1 });
    expect(ops(expectOk(await stack.up()))).toEqual(["create User admin"]);

    const destroy = expectOk(await stack.destroy());
    expect(destroy.changes).toEqual({ delete: 7 });
    const deleted = cloud.operations().slice(-6).map(({ type }) => type);
    expect(deleted.indexOf(SQL_INSTANCE)).toBeLessThan(deleted.indexOf(CONNECTION));
    expect(deleted.at(-1)).toBe(NETWORK);
    expect(cloud.resources()).toEqual([]);
  }), TIMEOUT_MS);

test("inputs that the real provider would refuse fail the preview, and no secret is shown", () =>
  withStack(tier(), async (stack) => {
    const failures = async (sql: unknown): Promise<string> => {
      stack.program = tier({ sql: sql as Partial<DatabaseInstanceArgs> });
      const run = await stack.preview();
      expect(run.ok).toBe(false);
      return run.diagnostics.join("\n");
    };
    const settings = { tier: "db-custom-1-3840" };
    const all = await failures({
      name: "Not_A_Name",
      settings: { ...settings, diskAutoresise: true, diskSize: "10", availabilityType: "GLOBAL", ipConfiguration: { sslMode: "ON" }, maintenanceWindow: { day: 9 }, locationPreference: {}, backupConfiguration: { enabled: "yes" } },
      rootPassword: secret("hunter2"),
      rootPasswordWo: secret("hunter2"),
    });
    for (const expected of [
      "settings.diskAutoresise: unknown property (is diskAutoresize meant?)",
      "settings.diskSize: must be a number, and is a string",
      'settings.availabilityType: must be one of REGIONAL, ZONAL, and is "GLOBAL"',
      'settings.ipConfiguration.sslMode: must be one of ALLOW_UNENCRYPTED_AND_ENCRYPTED, ENCRYPTED_ONLY, TRUSTED_CLIENT_CERTIFICATE_REQUIRED, and is "ON"',
      "settings.backupConfiguration.enabled: must be a boolean, and is a string",
      "settings.maintenanceWindow.day: must be 1 to 7, and is 9",
      "name: must match",
      "rootPassword conflicts with rootPasswordWo",
      "rootPasswordWo, rootPasswordWoVersion must be given together",
    ]) expect(all).toContain(expected);
    expect(all).not.toContain("hunter2");
    expect(await failures({ settings: { diskSize: 10 } })).toContain("settings.tier: required, and missing");
  }), TIMEOUT_MS);

test("a deployment goes on where the cloud refused, where the provider died, and where it died after the deed", () =>
  withStack(tier(), async (stack, cloud) => {
    cloud.inject({ on: "create", type: SQL_INSTANCE, effect: "fail", message: "quota exceeded" });
    const refused = await stack.up();
    expect(refused.ok).toBe(false);
    expect(refused.diagnostics.join("\n")).toContain("quota exceeded");
    expect(stack.state().map(({ type }) => type)).toContain(CONNECTION);

    cloud.inject({ on: "create", type: SQL_INSTANCE, effect: "crash" });
    expect((await stack.up()).ok).toBe(false);
    expect(cloud.resources(SQL_INSTANCE)).toEqual([]);
    const resumed = await stack.up();
    expect(resumed.ok).toBe(true);
    expect(ops(resumed)).toEqual(["create DatabaseInstance tier"]);

    // The second of the creates: the network is there when the subnet's fails.
    expect((await stack.destroy()).ok).toBe(true);
    cloud.inject({ on: "create", nth: 2, effect: "crash-after" });
    expect((await stack.up()).ok).toBe(false);
    expect(cloud.operations().at(-1)?.operation).toBe("create");
  }), TIMEOUT_MS);

test("a slow operation can be waited for, and let go on", () =>
  withStack(tier(), async (stack, cloud) => {
    const slow = cloud.inject({ on: "create", type: SUBNETWORK, effect: "wait" });
    const up = stack.up();
    await slow.reached();
    expect(cloud.resources(SUBNETWORK)).toEqual([]);
    slow.release();
    expectOk(await up);
  }), TIMEOUT_MS);

test("what is protected or in use is not deleted, and what others have taken is not made", () =>
  withStack(tier({ deletionProtection: true }), async (stack, cloud) => {
    expectOk(await stack.up());
    const destroy = await stack.destroy();
    expect(destroy.ok).toBe(false);
    expect(destroy.diagnostics.join("\n")).toContain("without setting deletionProtection=false");
    expect(cloud.resources(SQL_INSTANCE)).toHaveLength(1);
    expect(cloud.resources(CONNECTION)).toHaveLength(1);

    cloud.add({ type: SUBNETWORK, id: "projects/simulated/regions/europe-west3/subnetworks/theirs", inputs: { network: cloud.resources(NETWORK)[0]!.id, ipCidrRange: "10.9.0.0/24" } });
    stack.program = tier({ deletionProtection: true, range: "10.9.0.128/25" });
    const overlapping = await stack.up();
    expect(overlapping.diagnostics.join("\n")).toContain("conflicts with existing subnetwork");

    stack.program = tier({ deletionProtection: false });
    expectOk(await stack.up());
    const held = await stack.destroy();
    expect(held.diagnostics.join("\n")).toContain("is already being used by 'projects/simulated/regions/europe-west3/subnetworks/theirs'");
  }), TIMEOUT_MS);

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { processesIn } from "../support/checkout";
import { GcpCheckout, SMALL_SERVICES, SMALL_SETTINGS } from "../support/gcp-checkout";

// The transport that goes through a bastion, on the real engine. In gcloud's place stands a program that takes the same arguments and says the
// same lines; that Google's own lets one through is between its IAM and the bastion's firewall rule, and not proven here.

let gcp: GcpCheckout;

beforeAll(async () => {
  gcp = await GcpCheckout.create({ services: SMALL_SERVICES, settings: { ...SMALL_SETTINGS, "bulkhead:reach": { transport: "tunnel", members: ["group:ops@example.com"] } } });
});

afterAll(() => gcp.remove());

/** Ids of the tunnels that were ever opened, and still are. */
function openTunnels(): number[] {
  const file = join(gcp.cloud.dir, "gcloud.pids");
  return (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").map(Number) : []).filter((pid) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  });
}

/** The tunnel's guard ends it once it finds its command gone, which may be a moment later. */
async function expectNoTunnel(): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (openTunnels().length > 0 && performance.now() < deadline) await sleep(50);
  expect(openTunnels()).toEqual([]);
}

function gcloudDoes(what: object): void {
  writeFileSync(join(gcp.cloud.dir, "gcloud.json"), JSON.stringify(what));
}

test("without a login of gcloud nothing is made", async () => {
  gcloudDoes({ loggedOut: true });
  const { exitCode, stderr } = await gcp.bulkhead(["up"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(/gcloud auth login/) as string });
  expect(stderr).toMatch(/\[(REACH|GCP)_\w+\]/);
  expect(gcp.cloud.operations()).toEqual([]);
  gcloudDoes({});
});

test("up goes through the bastion that it has just made, and closes the tunnel behind itself", async () => {
  expect(await gcp.up()).toMatchObject({ ok: true, services: [{ name: "auth", ready: true, schemaVersion: 1 }] });
  const bastion = gcp.cloud.resources("gcp:compute/instance:Instance");
  expect(bastion).toHaveLength(1);
  const [network] = bastion[0]!.inputs["networkInterfaces"] as { accessConfigs?: unknown[] }[];
  expect(network!.accessConfigs ?? []).toEqual([]);
  await expectNoTunnel();
  expect(gcp.api.jobs.executions).toEqual([]);
});

test("a second up changes nothing, and validate proves every rule, through the tunnel", async () => {
  expect(Object.keys((await gcp.up()).changes)).toEqual(["same"]);
  expect(await gcp.json<{ ok: boolean }>(["validate"])).toMatchObject({ ok: true, summary: { failed: 0 } });
  await expectNoTunnel();
});

test("a tunnel that is refused is told in gcloud's words, and nothing is changed", async () => {
  gcp.newOperations();
  gcloudDoes({ refuse: "Error while connecting [4033: 'not authorized']." });
  const { exitCode, stderr } = await gcp.bulkhead(["up"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining("not authorized") as string });
  expect(gcp.newOperations()).toEqual([]);
  gcloudDoes({});
  await expectNoTunnel();
  expect(processesIn(gcp.checkout.root)).toEqual([]);
});

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { version } from "@pulumi/gcp/package.json";
import { parse, stringify } from "yaml";

import { GcpCheckout } from "../support/gcp-checkout";

// The simulated provider is held against the real one where that is installed: `pulumi plugin install resource gcp <version>`. A preview makes
// nothing and needs no account: the real provider checks inputs and works out diffs by itself. Google's APIs that Bulkhead asks stay simulated.

const PLUGIN = join(process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), "plugins", `resource-gcp-v${version}`);
const testReal = existsSync(PLUGIN) ? test : test.skip;

testReal(`the real provider previews what the simulated one does (skipped unless resource-gcp-v${version} is among Pulumi's plugins)`, async () => {
  const gcp = await GcpCheckout.create();
  try {
    const steps = async (): Promise<string[]> => (await gcp.plannedSteps()).map(({ op, urn }) => `${op} ${urn}`).sort();
    expect(await gcp.pulumi(["stack", "init"])).toMatchObject({ exitCode: 0 });
    const simulated = await steps();
    const project = parse(gcp.checkout.read("Pulumi.yaml")) as Record<string, unknown>;
    delete project["plugins"];
    gcp.checkout.write("Pulumi.yaml", stringify(project));
    expect(await steps()).toEqual(simulated);
  } finally {
    await gcp.remove();
  }
});

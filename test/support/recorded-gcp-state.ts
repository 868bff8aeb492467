import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";

import type { CommandResult } from "./checkout";
import { GcpCheckout } from "./gcp-checkout";
import type { Settings } from "./gcp-checkout";

// The state of a production stack as a version of Bulkhead left it. Renewed on purpose only, when a release changes what a stack is made of:
//   node -r tsx/cjs test/support/recorded-gcp-state.ts
// The diff then shows which resources moved; a user's stack would replace those.

const FILE = join(__dirname, "..", "e2e", "gcp-recorded-state.json");
/** Marks a value that the state keeps encrypted. */
const SECRET_KEY = "4dabf18193072939515e22adb298388d";
/** Outputs that are the cloud's secrets; the simulated cloud's, but nobody should have to know that. */
const MASKED = new Set(["authString"]);

/** Services enough for one of each kind of resource; five more with nothing but a database would tell no more. */
export const RECORDED_SERVICES = `
  accounts: { port: 8001, image: "europe-west1-docker.pkg.dev/example-project/services/accounts" },
  backend: { port: 8000, calls: ["accounts"], image: "europe-west1-docker.pkg.dev/example-project/services/backend", redis: true, clickhouse: true },
  frontend: { port: 3000, database: null, calls: ["backend", "accounts"], image: "europe-west1-docker.pkg.dev/example-project/services/frontend", path: "/*" },`;

type Values = Readonly<Record<string, unknown>>;

/** A resource of the state, as far as a preview reads it. */
interface RecordedResource {
  readonly urn: string;
  readonly custom: boolean;
  readonly id?: string;
  readonly type: string;
  readonly parent?: string;
  readonly provider?: string;
  readonly protect?: boolean;
  readonly inputs?: Values;
  /** In the file: those that are not the same as the input. */
  readonly outputs?: Values;
}

interface Recording {
  /** The stack's own settings then: later defaults must not look like the user's changes. */
  readonly settings: Settings;
  readonly resources: readonly RecordedResource[];
}

/** Gives a fresh stack the recorded settings and state. @returns how many resources that are */
export async function importRecordedState(gcp: GcpCheckout): Promise<number> {
  const { settings, resources } = JSON.parse(readFileSync(FILE, "utf8")) as Recording;
  gcp.configure(settings);
  insist(await gcp.pulumi(["stack", "init"]));
  const { encryptionsalt } = parse(gcp.checkout.read("Pulumi.prod.yaml")) as { encryptionsalt: string };
  const deployment = {
    manifest: { time: "2026-01-01T00:00:00Z", magic: "", version: "" },
    // Pulumi encrypts on import what is marked as secret.
    secrets_providers: { type: "passphrase", state: { salt: encryptionsalt } },
    resources: resources.map(({ inputs = {}, outputs = {}, ...resource }) => ({ ...resource, inputs, outputs: { ...inputs, ...outputs } })),
  };
  gcp.checkout.write("recorded.json", JSON.stringify({ version: 3, deployment }));
  insist(await gcp.pulumi(["stack", "import", "--file", "recorded.json"]));
  return resources.length;
}

function insist({ exitCode, stderr }: CommandResult): void {
  if (exitCode !== 0) throw new Error(`pulumi ended with ${exitCode}:\n${stderr}`);
}

async function record(): Promise<void> {
  const gcp = await GcpCheckout.create({ services: RECORDED_SERVICES });
  try {
    await gcp.up();
    const { stdout } = await gcp.pulumi(["stack", "export", "--show-secrets"]);
    const { deployment } = JSON.parse(stdout) as { deployment: { resources: RecordedResource[] } };
    const { config } = parse(gcp.checkout.read("Pulumi.prod.yaml")) as { config: Settings };
    const lines = deployment.resources.map((resource) => `    ${JSON.stringify(compact(resource))}`);
    writeFileSync(FILE, `{\n  "settings": ${JSON.stringify(config)},\n  "resources": [\n${lines.join(",\n")}\n  ]\n}\n`);
  } finally {
    await gcp.remove();
  }
}

function compact({ urn, custom, id, type, parent, provider, protect, inputs = {}, outputs = {} }: RecordedResource): RecordedResource {
  const added = Object.entries(outputs).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(inputs[name]));
  return {
    urn,
    custom,
    ...(id !== undefined && { id }),
    type,
    ...(parent !== undefined && { parent }),
    ...(provider !== undefined && { provider }),
    ...(protect === true && { protect }),
    ...(Object.keys(inputs).length > 0 && { inputs }),
    ...(added.length > 0 && { outputs: Object.fromEntries(added.map(([name, value]) => [name, MASKED.has(name) ? { [SECRET_KEY]: (value as Values)[SECRET_KEY], plaintext: '"not recorded"' } : value])) }),
  };
}

if (require.main === module) void record();

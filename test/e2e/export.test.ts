import { mkdirSync, readFileSync, statSync } from "node:fs";

import { terraformLabel, terraformType } from "../../scripts/export/terraform-names";
import { Checkout } from "../support/checkout";
import { startGoogleApi } from "../support/simulated-cloud/google-api/google-api";
import { Cloud } from "../support/simulated-cloud/provider/cloud";
import { gcp } from "../support/simulated-cloud/provider/gcp/gcp-package";
import { UNKNOWN } from "../support/simulated-cloud/provider/property-values";
import { SimulatedCloud } from "../support/simulated-cloud/simulated-cloud";

const TIMEOUT_MS = 240_000;

let checkout: Checkout;
beforeAll(async () => {
  checkout = await Checkout.create();
}, TIMEOUT_MS);
afterAll(() => checkout.remove());

interface ExportJson {
  readonly files: { readonly configuration: string; readonly plan: string };
  readonly leftOut: readonly string[];
}
type Fields = Readonly<Record<string, unknown>>;
const readJson = <T>(file: string): T => JSON.parse(readFileSync(file, "utf8")) as T;

describe("bulkhead export terraform", () => {
  it("writes both files, readable by their owner only, with neither credentials nor an engine", async () => {
    const { exitCode, stdout, stderr } = await checkout.bulkhead(["export", "terraform", "--stack", "prod"], { env: { GOOGLE_APPLICATION_CREDENTIALS: "/nowhere", PULUMI_HOME: "/nowhere" } });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const files = stdout.trim().split("\n");
    expect(files).toEqual(["main.tf.json", "plan.json"].map((name) => checkout.path(".bulkhead", "prod", "terraform", name)));
    for (const file of files) expect(statSync(file).mode & 0o777).toBe(0o600);
  }, TIMEOUT_MS);

  it("writes where it is told to, and leaves no argument out", async () => {
    mkdirSync(checkout.path("elsewhere"));
    const { files, leftOut } = await checkout.json<ExportJson>("export", "terraform", "--stack", "prod", "--out", "elsewhere/deeper");
    expect(files.plan).toBe(checkout.path("elsewhere", "deeper", "plan.json"));
    expect(leftOut).toEqual([]);
  }, TIMEOUT_MS);

  it("says of a stack on the laptop that there is nothing to export", async () => {
    const { exitCode, stderr } = await checkout.bulkhead(["export", "terraform", "--stack", "dev"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("EXPORT_TARGET");
  }, TIMEOUT_MS);
});

/** A step of `pulumi preview --json`. */
interface PreviewStep {
  readonly op: string;
  readonly urn: string;
  readonly newState?: { readonly type: string; readonly custom: boolean; readonly inputs?: Fields };
}

/**
 * Texts, numbers and switches of a resource, without the names of what they belong to: Terraform's names are other tests' matter. Without what differs from
 * run to run too: the digits of a made-up name, and times.
 */
function* plainValues(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const entry of value) yield* plainValues(entry);
  else if (typeof value === "object" && value !== null) { for (const [key, entry] of Object.entries(value)) if (key !== "__defaults") yield* plainValues(entry); }
  else if (value !== UNKNOWN && (typeof value === "string" || typeof value === "number" || typeof value === "boolean")) yield String(value).replace(/-[0-9a-f]{7}(?![0-9a-z])/g, "").replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, "a time");
}

describe("what is exported of the stack of Pulumi.prod.yaml", () => {
  it("is what the engine plans to create, with every value that it knows", async () => {
    const simulated = SimulatedCloud.create({ project: "example-project", region: "europe-west1" });
    const api = await startGoogleApi(new Cloud(simulated.dir));
    try {
      simulated.attach(checkout);
      const env = { ...simulated.env, ...api.environment };
      expect((await checkout.pulumi(["stack", "init", "prod", "--non-interactive"], { env }).done).exitCode).toBe(0);
      const { exitCode, stdout, stderr } = await checkout.pulumi(["preview", "--stack", "prod", "--json", "--non-interactive"], { env }).done;
      expect({ exitCode, stderr, stdout: exitCode === 0 ? "" : stdout.slice(-2_000) }).toEqual({ exitCode: 0, stderr: "", stdout: "" });
      const planned = (JSON.parse(stdout) as { steps: PreviewStep[] }).steps.flatMap(({ urn, newState }) => (newState?.custom === true && newState.type.startsWith("gcp:") ? [{ address: `${terraformType(newState.type)}.${terraformLabel(urn.split("::").at(-1)!)}`, inputs: newState.inputs ?? {}, defaults: Object.values(gcp.facts[newState.type]?.defaults ?? {}) }] : []));

      const { files } = await checkout.json<ExportJson>("export", "terraform", "--stack", "prod");
      const plan = readJson<{ planned_values: { root_module: { resources: { address: string; values: Fields }[] } } }>(files.plan);
      const written = new Map(plan.planned_values.root_module.resources.map(({ address, values }) => [address, values]));
      expect([...written.keys()].sort()).toEqual(planned.map(({ address }) => address).sort());
      const missing = planned.flatMap(({ address, inputs, defaults }) => {
        // What the provider puts in where the program gives nothing, Terraform's does too.
        const values = new Set([...plainValues(written.get(address)), ...plainValues(defaults)]);
        return [...plainValues(inputs)].filter((value) => !values.has(value)).map((value) => `${address}: ${value}`);
      });
      expect(missing).toEqual([]);
    } finally {
      await api.close();
      await simulated.dispose();
    }
  }, TIMEOUT_MS);
});

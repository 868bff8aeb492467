import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { Address } from "@pulumi/gcp/compute/address";
import { Firewall } from "@pulumi/gcp/compute/firewall";
import type { FirewallArgs } from "@pulumi/gcp/compute/firewall";
import type { sql } from "@pulumi/gcp/types/input";
import { interpolate } from "@pulumi/pulumi";
import { LocalWorkspace, Stack } from "@pulumi/pulumi/automation";
import type { EngineEvent } from "@pulumi/pulumi/automation";

import type { SqlArgs } from "../../components/gcp/stores/sql";
import { transforms } from "../../components/gcp/transforms";
import { declareGcpStack } from "../../scripts/export/gcp-program";
import { pulumiCommand } from "../../scripts/pulumi-cli/automation";
import { obtainPulumiCli } from "../../scripts/pulumi-cli/obtain";
import { prodConfig, shippedCatalog } from "../support/gcp-stack";
import { SimulatedCloud } from "../support/simulated-cloud/simulated-cloud";

const ROOT = join(__dirname, "..", "..");
const POLICY = join(ROOT, "policy");
/** A run of the engine over the whole stack takes some seconds. */
const TIMEOUT_MS = 180_000;

/** What the pack said in a run of the engine. */
interface Judgement {
  readonly ok: boolean;
  /** Names of the policies that were broken, by how serious that is. */
  readonly mandatory: readonly string[];
  readonly advisory: readonly string[];
  readonly messages: readonly string[];
}

interface Judged {
  preview(): Promise<Judgement>;
  up(): Promise<Judgement>;
}

/** Runs a program on the real engine and the simulated cloud, with the policy pack. */
async function withPack(program: () => void, test: (stack: Judged, cloud: SimulatedCloud) => Promise<void>, options: { readonly policyPackConfigs?: string[] } = {}): Promise<void> {
  const cloud = SimulatedCloud.create({ region: "europe-west1" });
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "bulkhead-policy-"));
  try {
    writeFileSync(join(folder, "Pulumi.yaml"), JSON.stringify({ name: "bulkhead", runtime: "nodejs", plugins: SimulatedCloud.plugins }));
    writeFileSync(join(folder, "Pulumi.test.yaml"), JSON.stringify({ config: cloud.config }));
    const cli = await obtainPulumiCli({ env: process.env, progress: () => {} });
    const envVars = { PULUMI_BACKEND_URL: `file://${folder}`, PULUMI_CONFIG_PASSPHRASE: "", PULUMI_SKIP_UPDATE_CHECK: "true", PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true", ...cloud.env };
    const stack = await Stack.create("test", await LocalWorkspace.create({ workDir: folder, program: async () => program(), pulumiCommand: pulumiCommand(cli), envVars }));
    const packed = { color: "never" as const, policyPacks: [join(POLICY, "main.cjs")], ...options };
    await test(
      {
        preview: () => judged((onEvent) => stack.preview({ ...packed, onEvent })),
        up: () => judged((onEvent) => stack.up({ ...packed, onEvent })),
      },
      cloud,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    await cloud.dispose();
  }
}

async function judged(run: (onEvent: (event: EngineEvent) => void) => Promise<unknown>): Promise<Judgement> {
  const events: NonNullable<EngineEvent["policyEvent"]>[] = [];
  const errors: string[] = [];
  const ok = await run(({ policyEvent, diagnosticEvent }) => {
    if (policyEvent !== undefined) events.push(policyEvent);
    if (diagnosticEvent?.severity === "error") errors.push(diagnosticEvent.message);
  }).then(
    () => true,
    (error: unknown) => {
      // Whatever else went wrong must not pass for a policy's doing.
      if (events.length === 0) throw new Error(errors.join("\n"), { cause: error });
      return false;
    },
  );
  const names = (isMandatory: boolean): string[] => [...new Set(events.flatMap(({ policyName, enforcementLevel }) => ((enforcementLevel === "mandatory") === isMandatory ? [policyName] : [])))].sort();
  return { ok, mandatory: names(true), advisory: names(false), messages: events.map(({ message }) => message) };
}

const prodProgram = (): void => declareGcpStack("prod", prodConfig(), shippedCatalog());

/** A rule about Postgres that is in order but for what is given. */
function postgresRule(args: Partial<FirewallArgs>): void {
  const defaults: FirewallArgs = { network: "vpc", direction: "INGRESS", allows: [{ protocol: "tcp", ports: ["5432"] }], sourceRanges: ["10.20.0.0/22"], targetTags: ["postgres"], logConfig: { metadata: "INCLUDE_ALL_METADATA" } };
  new Firewall("postgres", { ...defaults, ...args });
}

it("lets the stack of Pulumi.prod.yaml through in a first preview, and says what up has still to judge", () =>
  withPack(prodProgram, async (stack) => {
    const judgement = await stack.preview();
    expect(judgement).toMatchObject({ ok: true, mandatory: [], advisory: ["judged-later"] });
    expect(judgement.messages).toHaveLength(1);
    expect(judgement.messages[0]).toMatch(/Not judged yet: .*run-own-account \(3\)/);
  }), TIMEOUT_MS);

it("stops that stack where a transform gives the database a public address", async () => {
  const bent = transforms as { sql?: NonNullable<SqlArgs["transform"]> };
  bent.sql = {
    instance: (args) => {
      const settings = args.settings as sql.DatabaseInstanceSettings;
      return { ...args, settings: { ...settings, ipConfiguration: { ...(settings.ipConfiguration as sql.DatabaseInstanceSettingsIpConfiguration), ipv4Enabled: true } } };
    },
  };
  try {
    await withPack(prodProgram, async (stack) => expect(await stack.preview()).toMatchObject({ ok: false, mandatory: ["sql-no-public-address"] }));
  } finally {
    delete bent.sql;
  }
}, TIMEOUT_MS);

it("only warns with advisory.json", () =>
  withPack(() => postgresRule({ sourceRanges: ["0.0.0.0/0"] }), async (stack) => expect(await stack.preview()).toMatchObject({ ok: true, mandatory: [], advisory: ["firewall-database-ports", "firewall-no-open-ingress"] }), {
    policyPackConfigs: [join(POLICY, "advisory.json")],
  }), TIMEOUT_MS);

it("judges in up what a preview could not know, before the resource is made", () =>
  withPack(
    () => {
      const office = new Address("office", { addressType: "EXTERNAL" });
      postgresRule({ sourceRanges: [interpolate`${office.address}/32`] });
    },
    async (stack, cloud) => {
      const preview = await stack.preview();
      expect(preview).toMatchObject({ ok: true, mandatory: [], advisory: ["judged-later"] });
      expect(preview.messages.join()).toContain("firewall-database-ports (1)");

      expect(await stack.up()).toMatchObject({ ok: false, mandatory: ["firewall-database-ports"] });
      expect(cloud.resources().map(({ name }) => name)).toEqual(["office"]);
    },
  ), TIMEOUT_MS);

it("starts under Pulumi's own policy host, which loads the folder", async () => {
  // What that host runs for `--policy-pack policy`; the port that the pack listens on is its first line.
  const host = spawn(process.execPath, [join(ROOT, "node_modules", "@pulumi", "pulumi", "cmd", "run-policy-pack", "index.js"), "127.0.0.1:1", "policy"], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(host, "exit");
  try {
    const line = await Promise.race([once(createInterface(host.stdout), "line"), ended.then(() => ["it ended"])]);
    expect(line).toEqual([expect.stringMatching(/^\d+$/)]);
  } finally {
    host.kill();
    await ended;
  }
}, TIMEOUT_MS);

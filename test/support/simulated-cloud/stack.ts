import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { LocalWorkspace, Stack } from "@pulumi/pulumi/automation";
import type { EngineEvent, PulumiFn } from "@pulumi/pulumi/automation";

import { stateFile } from "../../../scripts/engine/environment";
import { pulumiCommand } from "../../../scripts/pulumi-cli/automation";
import { obtainPulumiCli } from "../../../scripts/pulumi-cli/obtain";
import { SimulatedCloud } from "./simulated-cloud";

const PROJECT = "simulated";
const STACK = "test";

/** What the engine did, or would do, to one resource. */
export interface Step {
  /** As the engine names it: create, update, replace, create-replacement, delete … */
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  /** The program's name. */
  readonly name: string;
  /** Paths that differ, with what becomes of each: `update`, `add-replace` … */
  readonly diff: Readonly<Record<string, string>>;
}

/** How a run of the engine went. */
export interface Run {
  readonly ok: boolean;
  /** Resources by what was done to them: `{ create: 3, same: 1 }`. */
  readonly changes: Readonly<Record<string, number>>;
  /** All but those that stay the same, or are only read. */
  readonly steps: readonly Step[];
  /** Errors and warnings as the engine showed them, in order. */
  readonly diagnostics: readonly string[];
  /** Of the stack; a secret's is `[secret]`, an unknown's is the engine's mark. */
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly durationMs: number;
}

/** A resource as it lies in the state. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** Whether a replacement has still to be followed by its deletion. */
  readonly delete?: boolean;
}

/** A program on the real engine and the simulated cloud, in a project of its own. */
export class SimulatedStack {
  private constructor(private readonly folder: string, private readonly stack: Stack) {}

  /** @param config in addition to the provider's project, region and zone; keys with their namespace */
  static async create({ cloud, program, config = {} }: { cloud: SimulatedCloud; program: PulumiFn; config?: Readonly<Record<string, string>> }): Promise<SimulatedStack> {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), "bulkhead-stack-"));
    writeFileSync(join(folder, "Pulumi.yaml"), JSON.stringify({ name: PROJECT, runtime: "nodejs", plugins: SimulatedCloud.plugins }));
    writeFileSync(join(folder, `Pulumi.${STACK}.yaml`), JSON.stringify({ config: { ...cloud.config, ...config } }));
    const cli = await obtainPulumiCli({ env: process.env, progress: () => {} });
    const workspace = await LocalWorkspace.create({
      workDir: folder,
      program,
      pulumiCommand: pulumiCommand(cli),
      envVars: {
        PULUMI_BACKEND_URL: `file://${folder}`,
        PULUMI_CONFIG_PASSPHRASE: "",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        ...cloud.env,
      },
    });
    const stack = await Stack.create(STACK, Object.assign(workspace, { selectStack: async () => {} }));
    // Both would be a run of the CLI each after every `up`.
    return new SimulatedStack(folder, Object.assign(stack, { outputs: async () => ({}), info: async () => undefined }));
  }

  /** What the stack's resources are from the next run on. */
  set program(program: PulumiFn) {
    this.stack.workspace.program = program;
  }

  preview(): Promise<Run> {
    return run((onEvent) => this.stack.preview({ onEvent, color: "never" }));
  }

  up(): Promise<Run> {
    return run((onEvent) => this.stack.up({ onEvent, color: "never" }));
  }

  refresh(): Promise<Run> {
    return run((onEvent) => this.stack.refresh({ onEvent, color: "never" }));
  }

  destroy(): Promise<Run> {
    return run((onEvent) => this.stack.destroy({ onEvent, color: "never" }));
  }

  /** What the engine has recorded, in the order of creation. */
  state(): StateResource[] {
    const { checkpoint } = JSON.parse(readFileSync(stateFile(this.folder, PROJECT, STACK), "utf8")) as { checkpoint: { latest?: { resources?: StateResource[] } } };
    return checkpoint.latest?.resources ?? [];
  }

  /** Removes the project's folder. */
  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** Runs the engine to its end, and does not throw where the deployment fails. */
async function run(start: (onEvent: (event: EngineEvent) => void) => Promise<unknown>): Promise<Run> {
  const startedAt = performance.now();
  const steps: Step[] = [];
  const diagnostics: string[] = [];
  let changes: Record<string, number> = {};
  let outputs: Readonly<Record<string, unknown>> = {};
  const onEvent = ({ diagnosticEvent, resourcePreEvent, resOutputsEvent, summaryEvent }: EngineEvent): void => {
    if (diagnosticEvent !== undefined && !diagnosticEvent.ephemeral && ["error", "warning"].includes(diagnosticEvent.severity)) diagnostics.push(diagnosticEvent.message.replace(/<\{%.*?%\}>/g, "").trim());
    if (resourcePreEvent !== undefined && !["same", "refresh"].includes(resourcePreEvent.metadata.op)) steps.push(stepOf(resourcePreEvent.metadata));
    if (resOutputsEvent?.metadata.type === "pulumi:pulumi:Stack") outputs = resOutputsEvent.metadata.new?.outputs ?? {};
    if (summaryEvent !== undefined) changes = summaryEvent.resourceChanges;
  };
  const ok = await start(onEvent).then(
    () => true,
    (error: unknown) => {
      // What failed before the engine began is in no event.
      if (diagnostics.length === 0) diagnostics.push(error instanceof Error ? error.message : String(error));
      return false;
    },
  );
  return { ok, changes, steps, diagnostics, outputs, durationMs: Math.round(performance.now() - startedAt) };
}

function stepOf({ op, urn, type, detailedDiff }: NonNullable<EngineEvent["resourcePreEvent"]>["metadata"]): Step {
  const diff = Object.fromEntries(Object.entries(detailedDiff ?? {}).map(([path, { diffKind }]) => [path, diffKind]));
  return { op, urn, type, name: urn.split("::").slice(3).join("::"), diff };
}

import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import type { CommandContext } from "../lib/command-context";
import { loadCatalog } from "../lib/command-context";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { UsageError } from "../lib/usage-error";

/** Writes what the stack's program declares as a Terraform configuration and as a plan, for tools that read those. Asks neither the cloud nor the state. */
export async function exportTerraform(context: CommandContext, { out }: { out?: string }): Promise<ExitCode> {
  const { stack, config, root, progress, output } = context;
  if (config.target !== "gcp") throw new UsageError("EXPORT_TARGET", `stack ${stack} has the target ${config.target}, of which there is nothing in Terraform; only gcp stacks can be exported`, { hint: "npx bulkhead export terraform --stack prod" });
  const { configuration, plan } = await declared(context);
  for (const argument of configuration.leftOut) progress(`warning: left out, since it is known only once the stack is up: ${argument}`);
  const folder = out === undefined ? join(root, ".bulkhead", stack, "terraform") : resolve(out);
  // Like everything of a stack: what it is made of is nobody else's to read.
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const files = { configuration: join(folder, "main.tf.json"), plan: join(folder, "plan.json") };
  writeFileSync(files.configuration, `${JSON.stringify(configuration.json, null, 2)}\n`, { mode: 0o600 });
  writeFileSync(files.plan, `${JSON.stringify(plan, null, 2)}\n`, { mode: 0o600 });
  output.result({ version: 1, stack, files, leftOut: configuration.leftOut }, Object.values(files).join("\n"));
  return EXIT.done;
}

/** Loaded when it is called: Pulumi's SDKs take a second. */
/* eslint-disable @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() TypeScript */
async function declared({ stack, config }: CommandContext): Promise<{ configuration: import("../export/configuration").TerraformConfiguration; plan: object }> {
  const { recordProgram } = require("../export/record-program") as typeof import("../export/record-program");
  const { declareGcpStack } = require("../export/gcp-program") as typeof import("../export/gcp-program");
  const { terraformConfiguration } = require("../export/configuration") as typeof import("../export/configuration");
  const { terraformPlan } = require("../export/plan") as typeof import("../export/plan");
  const catalog = loadCatalog();
  const program = await recordProgram(stack, () => declareGcpStack(stack, config, catalog));
  const settings = { project: String(config.settings["gcp:project"]), region: String(config.settings["gcp:region"]) };
  return { configuration: terraformConfiguration(program, settings), plan: terraformPlan(program, settings) };
}
/* eslint-enable @typescript-eslint/no-require-imports */

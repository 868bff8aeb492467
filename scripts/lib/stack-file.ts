import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parse, parseDocument } from "yaml";

import { PROJECT } from "../../components/settings/problems";
import { parseStackConfig } from "../../components/stack-config";
import type { StackConfig } from "../../components/stack-config";
import { BulkheadError, messageOf } from "../../manager/src/errors/bulkhead-error";
import { UsageError } from "./usage-error";

/**
 * The settings of a stack, read from its file as Pulumi keeps them, without starting Pulumi. A secret stays as encrypted as it is.
 *
 * @throws BulkheadError `STACK_UNKNOWN`, `STACK_FILE_INVALID`, `CONFIG_INVALID`
 */
export function readStackConfig(root: string, stack: string): StackConfig {
  const path = join(root, `Pulumi.${stack}.yaml`);
  const settings = settingsOf(path, read(path, root, stack));
  // What has no namespace is the project's, as Pulumi reads it too.
  return parseStackConfig(stack, Object.fromEntries(Object.entries(settings).map(([name, value]) => [name.includes(":") ? name : `${PROJECT}:${name}`, value])));
}

function read(path: string, root: string, stack: string): string {
  try {
    // A name with a slash would lead out of the folder.
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(stack)) throw new Error("no name of a stack");
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError("STACK_UNKNOWN", `there is no stack ${JSON.stringify(stack)} here; there is: ${stacksIn(root).join(", ")}`, { hint: `choose one with --stack, or make it: write Pulumi.${stack}.yaml`, cause: error });
  }
}

/** Writes one setting of the project into a stack's file, as `pulumi config set` does; the rest of it stays as it is, comments too. */
export function writeStackSetting(root: string, stack: string, path: readonly string[], value: string): void {
  const file = join(root, `Pulumi.${stack}.yaml`);
  const document = parseDocument(read(file, root, stack));
  const [name, ...inner] = path;
  document.setIn(["config", `${PROJECT}:${name}`, ...inner], value);
  const partial = `${file}.${process.pid}.partial`;
  writeFileSync(partial, document.toString({ lineWidth: 0 }), { mode: statSync(file).mode });
  renameSync(partial, file);
}

function settingsOf(path: string, text: string): Record<string, unknown> {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw new BulkheadError("STACK_FILE_INVALID", `${path} is no YAML: ${messageOf(error)}`, { hint: "mend the file, or take it back: git checkout -- Pulumi.*.yaml", cause: error });
  }
  const config = (document as { config?: unknown } | null)?.config ?? {};
  if (typeof config !== "object" || Array.isArray(config)) throw new BulkheadError("STACK_FILE_INVALID", `${path} has no map under config:`, { hint: `its settings look like ${PROJECT}:target: local` });
  return config as Record<string, unknown>;
}

/** Names of the stacks that have a file in the checkout. */
export function stacksIn(root: string): string[] {
  return readdirSync(root).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []);
}

import { isList, isObject } from "./terraform-body";
import { terraformProperty } from "./terraform-names";
import type { Value } from "./resource";

/**
 * A path of Pulumi's `ignoreChanges` as Terraform writes it: `settings.diskSize` → `settings[0].disk_size`, since there a block is a list of one.
 *
 * @param inputs the resource's arguments, which tell what is a list
 */
export function ignoredPath(type: string, path: string, inputs: Readonly<Record<string, Value>>): string {
  const steps = path.split(/\.|(?=\[)/);
  let value: Value | undefined = inputs;
  let written = "";
  for (const [index, step] of steps.entries()) {
    const position = /^\[(\d+)\]$/.exec(step)?.[1];
    if (position !== undefined) {
      value = value !== undefined && isList(value) ? value[Number(position)] : undefined;
      written += `[${position}]`;
      continue;
    }
    value = value !== undefined && isObject(value) ? value[step] : undefined;
    const isLast = index === steps.length - 1;
    const isBlocks: boolean = value !== undefined && isList(value) ? value.some(isObject) : steps[index + 1]?.startsWith("[") === true;
    const name = terraformProperty(type, step, isBlocks ? "blocks" : value !== undefined && isList(value) ? "values" : "value");
    // Terraform wants a position before anything inside of a block.
    written += `${written === "" ? "" : "."}${name}${isLast || isBlocks ? "" : "[0]"}`;
  }
  return written;
}

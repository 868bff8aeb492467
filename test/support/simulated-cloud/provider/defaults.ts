import { createHash } from "node:crypto";

import { isObject, isSecret } from "./property-values";
import type { Value, Values } from "./property-values";
import type { ResourceFacts } from "./resource-facts";

/** Letters of the random end of a made-up name, as Pulumi's bridge has it. */
const RANDOM_LETTERS = 7;

/**
 * Fills in what the program left out: a name, and the provider's defaults. `__defaults` names what was filled in, as Pulumi's bridge
 * does it, so that a later check keeps the name and a diff knows that it is nobody's choice.
 *
 * @param olds the inputs of the deployment before; empty for a new resource
 */
export function withDefaults(news: Values, olds: Values, facts: ResourceFacts, { logicalName, seed, proposedName }: { logicalName: string; seed: Uint8Array; proposedName?: string | undefined }): Values {
  const filled: string[] = [];
  let inputs: Values = Object.fromEntries(Object.entries(news).filter(([name, value]) => name !== "__defaults" && value !== null));
  if (facts.autonameMax !== undefined && inputs["name"] === undefined) {
    const kept = Array.isArray(olds["__defaults"]) && olds["__defaults"].includes("name") ? olds["name"] : undefined;
    inputs = { ...inputs, name: kept ?? proposedName ?? autoname(logicalName, facts.autonameMax, seed) };
    filled.push("name");
  }
  for (const [path, value] of Object.entries(facts.defaults ?? {})) {
    const next = withDefault(inputs, path.split("."), value) as Values;
    if (next !== inputs && !path.includes(".")) filled.push(path);
    inputs = next;
  }
  return { ...inputs, __defaults: filled };
}

/** Returns the same object where there is nothing to fill in: the value is given, or what it would lie in is not. */
function withDefault(value: Value, [step, ...rest]: readonly string[], fill: Value): Value {
  if (isSecret(value)) {
    const inner = withDefault(value.value, [step!, ...rest], fill);
    return inner === value.value ? value : { ...value, value: inner };
  }
  if (step === undefined || !isObject(value)) return value;
  const name = step.replace("[]", "");
  const current = (value as Values)[name];
  if (rest.length === 0) return current === undefined || current === null ? { ...(value as Values), [name]: fill } : value;
  if (current === undefined) return value;
  const next = step.endsWith("[]") && Array.isArray(current) ? mapped(current, (item) => withDefault(item, rest, fill)) : withDefault(current, rest, fill);
  return next === current ? value : { ...(value as Values), [name]: next };
}

function mapped(items: readonly Value[], change: (item: Value) => Value): readonly Value[] {
  const next = items.map(change);
  return next.some((item, index) => item !== items[index]) ? next : items;
}

function autoname(logicalName: string, maxLength: number, seed: Uint8Array): string {
  const random = createHash("sha256").update(seed).digest("hex").slice(0, RANDOM_LETTERS);
  return `${logicalName.toLowerCase().slice(0, maxLength - RANDOM_LETTERS - 1)}-${random}`;
}

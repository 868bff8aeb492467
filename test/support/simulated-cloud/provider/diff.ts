import { isEqual, isObject } from "./property-values";
import type { Value, Values } from "./property-values";
import { isCoveredBy } from "./resource-facts";
import type { ResourceFacts } from "./resource-facts";

/** One property that differs. */
export interface PropertyChange {
  /** Such as `settings.databaseFlags[1].value`. */
  readonly path: string;
  readonly kind: "add" | "delete" | "update";
  /** Only a new resource can have the new value. */
  readonly replaces: boolean;
}

/**
 * Compares inputs, both without marks around secrets. An unknown differs from anything that was there before.
 *
 * @param forcing paths that force a replacement because of their values, beside those that always do
 */
export function diffInputs(before: Values, after: Values, facts: ResourceFacts, forcing: readonly string[] = []): PropertyChange[] {
  return changes(before, after, "").map(({ path, kind }) => ({
    path,
    kind,
    replaces: (isCoveredBy(path, facts.immutable) && !isCoveredBy(path, facts.mutable)) || isCoveredBy(path, forcing.join(" ")),
  }));
}

function changes(before: Value | undefined, after: Value | undefined, path: string): Omit<PropertyChange, "replaces">[] {
  if (isEqual(before, after)) return [];
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => name !== "__defaults");
    return names.flatMap((name) => changes((before as Values)[name], (after as Values)[name], path === "" ? name : `${path}${asStep(name)}`));
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    return Array.from({ length }, (_, index) => changes(before[index] as Value, after[index] as Value, `${path}[${index}]`)).flat();
  }
  return [{ path, kind: before === undefined ? "add" : after === undefined ? "delete" : "update" }];
}

/** Names of a map's entries can be anything. */
function asStep(name: string): string {
  return /^\w+$/.test(name) ? `.${name}` : `["${name}"]`;
}

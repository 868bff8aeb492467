import { isObject } from "../../provider/property-values";
import type { Value, Values } from "../../provider/property-values";

export function text(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}

export function number(value: Value | undefined): number {
  return typeof value === "number" ? value : 0;
}

export function list(value: Value | undefined): readonly Values[] {
  return Array.isArray(value) ? value.filter((item: Value): item is Values => isObject(item)) : [];
}

export function texts(value: Value | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item: Value): item is string => typeof item === "string") : [];
}

export function textMap(value: Value | undefined): Record<string, string> {
  return isObject(value) ? Object.fromEntries(Object.entries(value as Values).map(([name, each]) => [name, text(each)])) : {};
}

/** The provider has labels as a set of pairs, the engine as a map. */
export function labelMap(value: Value | undefined): Record<string, string> {
  return Object.fromEntries(list(value).map((pair) => [text(pair["label"]), text(pair["value"])]));
}

export function labelSet(labels: Readonly<Record<string, string>> | null): Value {
  return Object.entries(labels ?? {}).map(([label, value]) => ({ label, value }));
}

import { MAPS, terraformProperty } from "./terraform-names";
import { SecretValue, Unknown } from "./resource";
import type { Value } from "./resource";

/** Plain data, to be written as JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = Readonly<Record<string, Json>>;

/** How the leaves and blocks of a resource are written; undefined leaves something out. */
export interface Notation {
  text(text: string): Json | undefined;
  constant(value: number | boolean): Json;
  /** @param path in Terraform's names, joined by dots */
  secret(path: string): Json | undefined;
  unknown(path: string): Json | undefined;
  /** A block that there can be one of at most. */
  block(fields: JsonObject): Json;
  /** A list of plain values. */
  list(entries: readonly Json[], values: readonly Value[]): Json | undefined;
  /** A map with keys of the user's own. */
  map(entries: JsonObject, values: Readonly<Record<string, Value>>): Json | undefined;
}

/**
 * Writes a resource's arguments with Terraform's names.
 *
 * @param type last part of the resource's token
 */
export function terraformBody(type: string, inputs: Readonly<Record<string, Value>>, notation: Notation, path = ""): JsonObject {
  const written: Record<string, Json> = {};
  for (const [property, value] of Object.entries(inputs)) {
    const [name, json] = argument(type, property, value, notation, path);
    if (json !== undefined) written[name] = json;
  }
  return written;
}

function argument(type: string, property: string, value: Value, notation: Notation, path: string): [string, Json | undefined] {
  const within = (name: string): string => (path === "" ? name : `${path}.${name}`);
  if (isList(value)) {
    const blocks = value.filter((entry): entry is Readonly<Record<string, Value>> => isObject(entry));
    const name = terraformProperty(type, property, blocks.length > 0 ? "blocks" : "values");
    if (value.length === 0) return [name, undefined];
    if (blocks.length > 0) return [name, blocks.map((entry, index) => terraformBody(type, entry, notation, within(`${name}.${index}`)))];
    return [name, notation.list(value.flatMap((entry, index) => leaf(entry, notation, within(`${name}.${index}`)) ?? []), value)];
  }
  if (isObject(value)) {
    const name = terraformProperty(type, property, "block");
    if (!MAPS.has(property)) return [name, notation.block(terraformBody(type, value, notation, within(name)))];
    return [name, notation.map(Object.fromEntries(Object.entries(value).flatMap(([key, entry]) => entryOf(key, leaf(entry, notation, within(`${name}.${key}`))))), value)];
  }
  const name = terraformProperty(type, property, "value");
  return [name, leaf(value, notation, within(name))];
}

function entryOf(key: string, value: Json | undefined): [string, Json][] {
  return value === undefined ? [] : [[key, value]];
}

function leaf(value: Value, notation: Notation, path: string): Json | undefined {
  if (typeof value === "string") return notation.text(value);
  if (typeof value === "number" || typeof value === "boolean") return notation.constant(value);
  if (value instanceof SecretValue) return notation.secret(path);
  if (value instanceof Unknown) return notation.unknown(path);
  throw new Error(`${path} is neither a value nor a list of values: a property that holds a map is missing in MAPS`);
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isObject(value: Value): value is Readonly<Record<string, Value>> {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof SecretValue) && !(value instanceof Unknown);
}

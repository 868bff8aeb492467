import { isEqual, isObject, isUnknown } from "../property-values";
import type { Value, Values } from "../property-values";
import type { Properties, PropertySchema, ResourceSchema } from "../schema/property-schema";

/** Lists in which the order counts; the others are sets. */
const ORDERED = new Set(["command", "entrypoints", "ports", "tests", "deviceRequests", "ipamConfigs"]);
/** To the provider, no value for these is the image's. */
const IMAGE_DECIDES = new Set(["user", "workingDir"]);

/**
 * What the bridge compares: the properties as the provider read them last with the ones that the program gives now. So a value that the provider
 * reads back in another form differs for ever, and one that the program leaves to the provider differs never.
 */
export function compared({ oldOutputs, news }: { readonly oldOutputs: Values; readonly news: Values }, schema: ResourceSchema): { before: Values; after: Values } {
  const before: Record<string, Value> = {};
  const after: Record<string, Value> = {};
  for (const [name, property] of Object.entries(schema.inputs)) {
    const [old, given] = [oldOutputs[name], news[name]];
    if (isNothing(given) && (property.computed === true || IMAGE_DECIDES.has(name))) continue;
    const [was, is] = [normal(name, old, property, given), normal(name, given, property, given)];
    if (isEqual(was, is)) continue;
    if (old !== undefined && was !== undefined) before[name] = was;
    if (given !== undefined && is !== undefined) after[name] = is;
  }
  return { before, after };
}

/** Without what means nothing, without what the program leaves to the provider, and with sets in one order. */
function normal(name: string, value: Value | undefined, property: PropertySchema, given: Value | undefined): Value | undefined {
  if (isUnknown(value)) return value;
  if (isNothing(value)) return typeof value === "boolean" || typeof value === "number" || value === "" ? (property.required === true ? value : undefined) : undefined;
  if (Array.isArray(value)) {
    const others = Array.isArray(given) ? given : [];
    const items = value.map((item: Value, index) => normal(name, item, property.items!, ORDERED.has(name) ? (others[index] as Value | undefined) : others.length === value.length ? partner(item, others) : undefined) ?? null);
    return ORDERED.has(name) ? items : items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (property.type === "object" && isObject(value)) return object(value, property.properties ?? {}, isObject(given) ? (given) : {});
  return value;
}

function object(values: Values, properties: Properties, given: Values): Values {
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, property]): [string, Value][] => {
      if (property.computed === true && isNothing(given[name])) return [];
      const value = normal(name, values[name], property, given[name]);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** The item of the other set that is meant by one: the one with the same name, path or such. */
function partner(item: Value, others: readonly Value[]): Value | undefined {
  if (!isObject(item)) return undefined;
  return others.find((other) => isObject(other) && ["name", "target", "file", "label"].some((key) => item[key] !== undefined && item[key] === other[key]));
}

function isNothing(value: Value | undefined): boolean {
  if (value === undefined || value === null || value === "" || value === 0 || value === false) return true;
  return typeof value === "object" && Object.values(value).every((each: Value) => isNothing(each)) && (!Array.isArray(value) || value.length === 0);
}

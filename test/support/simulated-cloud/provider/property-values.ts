/** A value as the engine sends it, after JSON: with marks around secrets and in place of unknowns. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [name: string]: Value };
/** Properties by name. */
export type Values = Readonly<Record<string, Value>>;

/** What the engine writes in place of a value that is known after the deployment only (pulumi/pulumi, sdk/go/common/resource/plugin). */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** Whether a value is one of the marks for unknowns: there is one for each type, which differ after the first part, and only the string's is in use. */
export function isUnknown(value: unknown): boolean {
  return value === UNKNOWN;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Marks a value secret. */
export function secret(value: Value): Value {
  return isSecret(value) ? value : { [SIGNATURE]: SECRET, value };
}

export function isSecret(value: unknown): value is { readonly value: Value } {
  return isObject(value) && value[SIGNATURE] === SECRET;
}

/** Without the marks around secrets; unknowns stay. */
export function unwrapped(value: Value): Value {
  if (isSecret(value)) return unwrapped(value.value);
  if (Array.isArray(value)) return value.map((item: Value) => unwrapped(item));
  return isObject(value) ? Object.fromEntries(Object.entries(value as Values).map(([name, item]) => [name, unwrapped(item)])) : value;
}

/** Whether an unknown is in it anywhere. */
export function hasUnknown(value: Value): boolean {
  if (isUnknown(value)) return true;
  if (Array.isArray(value)) return value.some(hasUnknown);
  return isObject(value) && Object.values(value as Values).some(hasUnknown);
}

/** Equal in all but the order of properties. */
export function isEqual(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item: Value, index) => isEqual(item, b[index] as Value));
  if (!isObject(a) || !isObject(b)) return false;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => isEqual((a as Values)[name], (b as Values)[name]));
}

/**
 * The values at a path, with the exact place of each: `ports[].number` has as many as there are ports. Nothing where there is none,
 * an unknown where it or something above it is unknown.
 *
 * @param path names with dots between, `[]` after a list's, `*` for each name of a map
 */
export function valuesAt(values: Value, path: string): { readonly place: string; readonly value: Value }[] {
  let found: { place: string; value: Value }[] = [{ place: "", value: values }];
  for (const step of path.split(".")) {
    const name = step.replace("[]", "");
    found = found.flatMap(({ place, value }) => {
      if (isUnknown(value)) return [{ place, value }];
      const names = name === "*" && isObject(value) ? Object.keys(value) : [name];
      return names.flatMap((each) => (isObject(value) && value[each] !== undefined && value[each] !== null ? [{ place: place === "" ? each : `${place}.${each}`, value: value[each] }] : []));
    });
    if (step.endsWith("[]")) found = found.flatMap(({ place, value }) => (Array.isArray(value) ? value.map((item: Value, index) => ({ place: `${place}[${index}]`, value: item })) : isUnknown(value) ? [{ place, value }] : []));
  }
  return found;
}

import { isObject, isUnknown, valuesAt } from "./property-values";
import type { Value, Values } from "./property-values";
import { isCoveredBy } from "./resource-facts";
import type { ResourceFacts } from "./resource-facts";
import type { Properties, PropertySchema, ResourceSchema } from "./schema/property-schema";

/**
 * What is wrong with inputs. No value is ever in a failure, as it may be secret, except of what is a choice of few.
 *
 * @param inputs without marks around secrets; unknowns pass every check
 */
export function checkInputs(inputs: Values, schema: ResourceSchema, facts: ResourceFacts): string[] {
  return [
    ...checkProperties(inputs, schema.inputs, "", facts),
    ...checkPatterns(inputs, facts),
    ...checkSizes(inputs, facts),
    ...checkGroups(inputs, facts),
  ];
}

function checkProperties(values: Values, properties: Properties, prefix: string, facts: ResourceFacts): string[] {
  const failures: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (name === "__defaults") continue;
    const property = properties[name];
    const path = prefix + name;
    if (property === undefined) failures.push(`${path}: unknown property${suggestion(name, Object.keys(properties))}`);
    else if (value !== null) failures.push(...checkType(value, property, path, facts));
  }
  for (const [name, property] of Object.entries(properties)) {
    if (property.required === true && (values[name] === undefined || values[name] === null)) failures.push(`${prefix}${name}: required, and missing`);
  }
  return failures;
}

function checkType(value: Value, property: PropertySchema, path: string, facts: ResourceFacts): string[] {
  if (isUnknown(value)) return [];
  const wrong = [`${path}: must be ${article(property.type)}, and is ${article(kindOf(value))}`];
  switch (property.type) {
    case "array":
      return Array.isArray(value) ? value.flatMap((item: Value, index) => checkType(item, property.items!, `${path}[${index}]`, facts)) : wrong;
    case "map":
      return isObject(value) ? Object.entries(value as Values).flatMap(([name, item]) => checkType(item, property.items!, `${path}[${name}]`, facts)) : wrong;
    case "object":
      return isObject(value) ? checkProperties(value, property.properties!, `${path}.`, facts) : wrong;
    case "number":
      if (typeof value !== "number") return wrong;
      return Number.isInteger(value) || isCoveredBy(path, facts.fractions) ? [] : [`${path}: must be a whole number`];
    case "string":
      return typeof value === "string" ? checkChoice(value, path, choices(path, property, facts)) : wrong;
    case "boolean":
      return typeof value === "boolean" ? [] : wrong;
  }
}

function choices(path: string, property: PropertySchema, facts: ResourceFacts): readonly string[] | undefined {
  return facts.enums?.[path.replace(/\[[^\]]*\]/g, "[]")] ?? property.enum;
}

function checkChoice(value: string, path: string, allowed: readonly string[] | undefined): string[] {
  return allowed === undefined || value === "" || allowed.includes(value) ? [] : [`${path}: must be one of ${allowed.filter((each) => each !== "").join(", ")}, and is "${value}"`];
}

function checkPatterns(inputs: Values, facts: ResourceFacts): string[] {
  const name = facts.autonameMax === undefined ? {} : { name: [1, facts.autonameMax] as const };
  return [
    ...known(inputs, facts.patterns, "string", (value, pattern) => (pattern.test(value as string) ? undefined : `must match ${pattern.source}`)),
    ...known(inputs, { ...name, ...facts.lengths }, "string", (value, [min, max]) => between((value as string).length, min, max, "characters")),
  ];
}

function checkSizes(inputs: Values, facts: ResourceFacts): string[] {
  return [
    ...known(inputs, facts.ranges, "number", (value, [min, max]) => between(value as number, min, max, "")),
    ...known(inputs, facts.items, "list", (value, [min, max]) => between((value as readonly Value[]).length, min, max, "items")),
  ];
}

/** Applies a rule to each known value of a kind at the paths. */
function known<Rule>(inputs: Values, rules: Readonly<Record<string, Rule>> | undefined, kind: string, check: (value: Value, rule: Rule) => string | undefined): string[] {
  return Object.entries(rules ?? {}).flatMap(([path, rule]) =>
    valuesAt(inputs, path).flatMap(({ place, value }) => {
      const failure = isUnknown(value) || kindOf(value) !== kind ? undefined : check(value, rule);
      return failure === undefined ? [] : [`${place}: ${failure}`];
    }),
  );
}

function between(size: number, min: number, max: number, unit: string): string | undefined {
  return size >= min && size <= max ? undefined : `must be ${[`${min} to ${max}`, unit].join(" ").trim()}, and is ${size}`;
}

function checkGroups(inputs: Values, facts: ResourceFacts): string[] {
  return [
    ...eachGroup(inputs, facts.conflicts, (given) => (given.length > 1 ? `${given[0]} conflicts with ${given.slice(1).join(", ")}` : undefined)),
    ...eachGroup(inputs, facts.exactlyOne, (given, all) => (given.length === 1 ? undefined : `exactly one of ${all.join(", ")} must be given, and there ${given.length === 0 ? "is none" : `are ${given.join(", ")}`}`)),
    ...eachGroup(inputs, facts.atLeastOne, (given, all) => (given.length > 0 ? undefined : `one of ${all.join(", ")} must be given`)),
    ...eachGroup(inputs, facts.together, (given, all) => (given.length === 0 || given.length === all.length ? undefined : `${all.join(", ")} must be given together, and there is ${given.join(", ")} only`)),
  ];
}

/** Applies a rule to each object that a group's paths lie in, which there can be several of below a list. */
function eachGroup(inputs: Values, groups: readonly string[] | undefined, check: (given: string[], all: string[]) => string | undefined): string[] {
  return (groups ?? []).flatMap((group) => {
    const paths = group.split(" ");
    const parent = paths[0]!.split(".").slice(0, -1).join(".");
    const names = paths.map((path) => path.slice(parent === "" ? 0 : parent.length + 1));
    const holders = parent === "" ? [{ place: "", value: inputs as Value }] : valuesAt(inputs, parent);
    return holders.flatMap(({ place, value }) => {
      if (!isObject(value)) return [];
      const at = (name: string): string => (place === "" ? name : `${place}.${name}`);
      const failure = check(names.filter((name) => isGiven(value[name])).map(at), names.map(at));
      return failure === undefined ? [] : [failure];
    });
  });
}

/** To the real provider, an empty list is as good as none; an unknown one counts. */
function isGiven(value: Value | undefined): boolean {
  return value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);
}

function kindOf(value: Value): string {
  if (Array.isArray(value)) return "list";
  return value === null ? "nothing" : isObject(value) ? "object" : typeof value;
}

function article(kind: string): string {
  if (kind === "array") return "a list";
  return kind === "nothing" ? kind : kind === "object" ? "an object" : `a ${kind}`;
}

/** The property that was probably meant. */
function suggestion(name: string, names: readonly string[]): string {
  const close = names.filter((each) => distance(each.toLowerCase(), name.toLowerCase()) <= 2);
  return close.length === 0 ? "" : ` (is ${close.join(" or ")} meant?)`;
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === other ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}

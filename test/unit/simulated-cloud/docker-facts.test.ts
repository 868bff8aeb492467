import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { dockerFacts } from "../../support/simulated-cloud/provider/docker/docker-facts";
import { isCoveredBy } from "../../support/simulated-cloud/provider/resource-facts";
import { packageSchema } from "../../support/simulated-cloud/provider/schema/schema-cache";
import type { PropertySchema } from "../../support/simulated-cloud/provider/schema/property-schema";

/** The real provider's schema, beside the project on the machines where it is made; no part of it. */
const REAL_SCHEMAS = join(__dirname, "..", "..", "..", "..", "shared", "provider-schemas", "docker.json");

/** One property of the real schema; a text is a type and nothing else. */
interface RealProperty {
  readonly type: string;
  readonly properties?: Readonly<Record<string, RealProperty | string>>;
  readonly items?: RealProperty | string;
  readonly required?: readonly string[];
  readonly willReplaceOnChanges?: boolean;
  readonly computed?: boolean;
}

interface RealResource {
  readonly inputProperties: Readonly<Record<string, RealProperty | string>>;
  readonly requiredInputs: readonly string[];
}

const real = existsSync(REAL_SCHEMAS) ? (JSON.parse(readFileSync(REAL_SCHEMAS, "utf8")) as { resources: Readonly<Record<string, RealResource>> }).resources : {};
const schema = packageSchema("@pulumi/docker", Object.keys(dockerFacts));
const compared = Object.entries(dockerFacts).filter(([type]) => real[type] !== undefined);
const describeWhereReal = compared.length > 0 ? describe : describe.skip;

test("the facts name properties that there are", () => {
  for (const [type, facts] of Object.entries(dockerFacts)) {
    const paths = [facts.immutable, ...[facts.enums, facts.patterns, facts.ranges, facts.defaults].flatMap((each) => Object.keys(each ?? {}))].flatMap((each) => each.split(" "));
    expect(paths.filter((path) => at({ type: "object", properties: schema[type]!.inputs }, path) === undefined).map((path) => `${type} ${path}`)).toEqual([]);
  }
});

describeWhereReal(`the facts, beside the real provider's schema (${compared.length > 0 ? "present" : "skipped: it is not present"})`, () => {
  const properties = compared.flatMap(([type, facts]) => walk(real[type]!.inputProperties, "").map((each) => ({ type, facts, ...each })));

  test("go with declarations that have the types of the real provider, and know what it fills in", () => {
    const wrong = properties.flatMap(({ type, path, property }) => {
      const derived = at({ type: "object", properties: schema[type]!.inputs }, path);
      const kind = { integer: "number", set: "array", any: "string" }[property.type] ?? property.type;
      if (derived?.type !== kind) return [`${type} ${path}: ${derived?.type ?? "nothing"}, and really ${kind}`];
      return path.includes(".") || (derived.computed === true) === (property.computed === true) || HAS_AN_OUTPUT_ALWAYS.includes(path) ? [] : [`${type} ${path}: ${property.computed === true ? "filled in" : "not filled in"}`];
    });
    expect(wrong).toEqual([]);
    for (const [type] of compared) expect(Object.entries(schema[type]!.inputs).flatMap(([name, { required }]) => (required === true ? [name] : [])).sort()).toEqual([...real[type]!.requiredInputs].sort());
  });

  test("force replacement where the real provider does", () => {
    const wrong = properties
      .filter(({ property }) => property.properties === undefined && (typeof property.items !== "object" || property.items.properties === undefined))
      .filter(({ facts, replaces, path }) => isCoveredBy(path, facts.immutable) !== replaces)
      .map(({ type, path, replaces }) => `${type} ${path}: ${replaces ? "replaces" : "does not"}`);
    expect(wrong).toEqual([]);
  });
});

/** Made up by the bridge, or required of the resource, which the real schema does not call computed. */
const HAS_AN_OUTPUT_ALWAYS = ["name"];

/** Every property at any depth, and whether it, or a block that it is in, replaces. */
function walk(given: Readonly<Record<string, RealProperty | string>>, prefix: string, replaced = false): { path: string; property: RealProperty; replaces: boolean }[] {
  return Object.entries(given).flatMap(([name, each]) => {
    const property = typeof each === "string" ? { type: each } : each;
    const replaces = replaced || property.willReplaceOnChanges === true;
    const items = typeof property.items === "object" ? property.items.properties : undefined;
    return [{ path: prefix + name, property, replaces }, ...walk(property.properties ?? {}, `${prefix}${name}.`, replaces), ...walk(items ?? {}, `${prefix}${name}[].`, replaces)];
  });
}

function at(from: PropertySchema, path: string): PropertySchema | undefined {
  let current: PropertySchema | undefined = from;
  for (const step of path.split(".")) {
    current = current?.properties?.[step.replace("[]", "")];
    if (step.endsWith("[]")) current = current?.items;
  }
  return current;
}

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { gcpFacts } from "../../support/simulated-cloud/provider/gcp/gcp-facts";
import { isCoveredBy } from "../../support/simulated-cloud/provider/resource-facts";
import type { ResourceFacts } from "../../support/simulated-cloud/provider/resource-facts";
import { packageSchema } from "../../support/simulated-cloud/provider/schema/schema-cache";
import type { Properties, PropertySchema } from "../../support/simulated-cloud/provider/schema/property-schema";

/** The real provider's schema, beside the project on the machines where it is made; no part of it. */
const REAL_SCHEMAS = join(__dirname, "..", "..", "..", "..", "shared", "provider-schemas", "gcp.json");

/** One property of the real schema. */
interface RealProperty {
  readonly type: string;
  readonly properties?: Readonly<Record<string, RealProperty | string>>;
  readonly items?: RealProperty | string;
  readonly required?: readonly string[];
  readonly willReplaceOnChanges?: boolean;
  readonly enum?: readonly string[];
  readonly regexp?: string;
  readonly default?: boolean | number | string;
  readonly intBetween?: readonly [number, number];
  readonly conflictsWith?: readonly string[];
  readonly exactlyOneOf?: readonly string[];
  readonly requiredWith?: readonly string[];
  readonly autonamed?: boolean;
}

interface RealResource {
  readonly inputProperties: Readonly<Record<string, RealProperty | string>>;
  readonly requiredInputs: readonly string[];
}

const real = existsSync(REAL_SCHEMAS) ? (JSON.parse(readFileSync(REAL_SCHEMAS, "utf8")) as { resources: Readonly<Record<string, RealResource>> }).resources : {};
const compared = Object.entries(gcpFacts).filter(([type]) => real[type] !== undefined);
const describeWhereReal = compared.length > 0 ? describe : describe.skip;
const schema = packageSchema("@pulumi/gcp", Object.keys(gcpFacts));

describe("the facts of Google Cloud's types", () => {
  test.each(Object.entries(gcpFacts))("of %s name properties that there are", (type, facts) => {
    const properties = { type: "object" as const, properties: schema[type]!.inputs };
    const paths = [facts.immutable, facts.mutable, facts.fractions, ...pathsIn(facts)].flatMap((each) => (each ?? "").split(" ")).filter((path) => path !== "");
    expect(paths.filter((path) => !exists(properties, path.replaceAll("[]", "").split(".")))).toEqual([]);
  });
});

describeWhereReal(`the facts, beside the real provider's schema (${compared.length > 0 ? "present" : "skipped: it is not present"})`, () => {
  const properties = compared.flatMap(([type, facts]) => walk(real[type]!.inputProperties, "").map(({ path, property }) => ({ type, facts, path, property })));

  test("go with declarations that give the names, types and required properties of the real provider", () => {
    const wrong = compared.flatMap(([type]) => differences({ type: "object", properties: real[type]!.inputProperties, required: real[type]!.requiredInputs }, { type: "object", properties: schema[type]!.inputs }, type));
    expect(wrong).toEqual([]);
  });

  test("force replacement where the real provider does, for every property that can be given", () => {
    const wrong = properties
      .filter(({ property }) => property.properties === undefined && (typeof property.items !== "object" || property.items.properties === undefined))
      .filter(({ facts, path, property }) => immutable(facts, path) !== (property.willReplaceOnChanges === true))
      .map(({ type, path, property }) => `${type} ${path}: ${property.willReplaceOnChanges === true ? "replaces" : "does not"}`);
    expect(wrong).toEqual([]);
  });

  test("allow the values that the real provider allows", () => {
    const wrong = properties.flatMap(({ type, facts, path, property }) => {
      const own = facts.enums?.[path] ?? at(schema[type]!.inputs, path)?.enum;
      const allowed = property.enum ?? itemsOf(property)?.enum;
      return own === undefined || (allowed !== undefined && sorted(own) === sorted(allowed)) ? [] : [`${type} ${path}: ${sorted(own)}, and really ${sorted(allowed ?? [])}`];
    });
    expect(wrong).toEqual([]);
  });

  test("have a default only where the real provider has that one", () => {
    const wrong = properties.filter(({ facts, path, property }) => facts.defaults?.[path] !== undefined && facts.defaults[path] !== property.default).map(({ type, path, property }) => `${type} ${path}: really ${String(property.default)}`);
    // Terraform's provider signs with its name, and Pulumi's with its own.
    expect(wrong).toEqual(["gcp:dns/managedZone:ManagedZone description: really Managed by Terraform"]);
  });

  test("have the ranges of the real provider", () => {
    const wrong = properties.filter(({ facts, path, property }) => property.intBetween !== undefined && facts.ranges?.[path] !== undefined && String(facts.ranges[path]) !== String(property.intBetween)).map(({ type, path }) => `${type} ${path}`);
    expect(wrong).toEqual([]);
  });

  test("ask for whole numbers where the real provider does", () => {
    const wrong = properties.filter(({ facts, path, property }) => property.type === "number" && !isCoveredBy(path, facts.fractions)).map(({ type, path }) => `${type} ${path}`);
    expect(wrong).toEqual([]);
  });

  test("make up names where the real provider does", () => {
    const wrong = compared.filter(([type, { autonameMax }]) => ((real[type]!.inputProperties["name"] as RealProperty | undefined)?.autonamed === true) !== (autonameMax !== undefined)).map(([type]) => type);
    // Terraform's provider can do without a name here, too; Pulumi's bridge does not let it come to that.
    expect(wrong).toEqual(["gcp:compute/managedSslCertificate:ManagedSslCertificate", "gcp:sql/databaseInstance:DatabaseInstance"]);
  });

  test("know what excludes what, as the real provider does", () => {
    const wrong = properties.flatMap(({ type, facts, path, property }) => {
      const siblings = (names: readonly string[]): string[] => names.map((name) => path.replace(/\w+$/, name));
      const missing = (groups: readonly string[] | undefined, names: readonly string[] | undefined): string[] =>
        siblings(names ?? []).filter((other) => other !== path && !(groups ?? []).some((group) => group.split(" ").includes(path) && group.split(" ").includes(other)));
      return [...missing([...(facts.conflicts ?? []), ...(facts.exactlyOne ?? [])], property.conflictsWith), ...missing(facts.exactlyOne, property.exactlyOneOf)].map((other) => `${type} ${path} excludes ${other}`);
    });
    expect(wrong).toEqual([]);
  });
});

/** A group that is in the table and not in the real schema would refuse what is right. */
describeWhereReal("each group of properties in the table", () => {
  test.each(compared.flatMap(([type, facts]) => [...(facts.conflicts ?? []), ...(facts.exactlyOne ?? [])].map((group) => [type, group] as const)))("of %s, %s, is one of the real provider's", (type, group) => {
    const [first = "", ...others] = group.split(" ");
    const property = walk(real[type]!.inputProperties, "").find(({ path }) => path === first)?.property;
    const names = [...(property?.conflictsWith ?? []), ...(property?.exactlyOneOf ?? [])];
    expect(others.map((path) => path.split(".").at(-1)!).filter((name) => !names.includes(name))).toEqual([]);
  });
});

function differences(expected: RealProperty, derived: PropertySchema | undefined, path: string): string[] {
  const type = { integer: "number", set: "array" }[expected.type] ?? expected.type;
  if (derived?.type !== type) return [`${path}: ${derived?.type ?? "nothing"}, and really ${type}`];
  const items = itemsOf(expected);
  const names = [...new Set([...Object.keys(expected.properties ?? {}), ...Object.keys(derived.properties ?? {})])];
  return [
    ...(items === undefined ? [] : differences(items, derived.items, `${path}[]`)),
    ...names.flatMap((name) => {
      const property = expected.properties?.[name];
      const own = derived.properties?.[name];
      if (property === undefined || own === undefined) return [`${path}.${name}: is in one only`];
      const required = expected.required?.includes(name) === (own.required ?? false) || (expected.required === undefined && own.required === undefined);
      return [...(required ? [] : [`${path}.${name}: required in one only`]), ...differences(typeof property === "string" ? { type: property } : property, own, `${path}.${name}`)];
    }),
  ];
}

function immutable(facts: ResourceFacts, path: string): boolean {
  return isCoveredBy(path, facts.immutable) && !isCoveredBy(path, facts.mutable);
}

function pathsIn(facts: ResourceFacts): string[] {
  const named = [facts.enums, facts.patterns, facts.ranges, facts.lengths, facts.items, facts.defaults, facts.references].flatMap((each) => Object.keys(each ?? {}));
  return [...named, ...[facts.conflicts, facts.exactlyOne, facts.atLeastOne, facts.together].flatMap((groups) => groups ?? [])];
}

function exists(property: PropertySchema, [name, ...rest]: readonly string[]): boolean {
  const inner = property.type === "array" ? property.items! : property;
  if (name === undefined) return true;
  const next = inner.properties?.[name];
  return next !== undefined && exists(next, rest);
}

function at(properties: Properties, path: string): PropertySchema | undefined {
  return path.split(".").reduce<PropertySchema | undefined>((property, step) => {
    const next = property?.properties?.[step.replace("[]", "")];
    return step.endsWith("[]") ? next?.items : next;
  }, { type: "object", properties });
}

function walk(properties: Readonly<Record<string, RealProperty | string>>, prefix: string): { path: string; property: RealProperty }[] {
  return Object.entries(properties).flatMap(([name, given]) => {
    const property = typeof given === "string" ? { type: given } : given;
    const path = prefix + name;
    const items = itemsOf(property);
    return [{ path, property }, ...walk(property.properties ?? {}, `${path}.`), ...walk(items?.properties ?? {}, `${path}[].`)];
  });
}

function itemsOf({ items }: RealProperty): RealProperty | undefined {
  return typeof items === "object" ? items : undefined;
}

function sorted(values: readonly string[]): string {
  return [...new Set(values)].sort().join(" ");
}

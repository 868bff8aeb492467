
import { checkInputs } from "../../support/simulated-cloud/provider/check";
import { UNKNOWN } from "../../support/simulated-cloud/provider/property-values";
import type { Values } from "../../support/simulated-cloud/provider/property-values";
import type { ResourceFacts } from "../../support/simulated-cloud/provider/resource-facts";
import type { ResourceSchema } from "../../support/simulated-cloud/provider/schema/property-schema";
import fc from "../../support/fast-check";

const schema: ResourceSchema = {
  inputs: {
    name: { type: "string" },
    size: { type: "number" },
    share: { type: "number" },
    mode: { type: "string", enum: ["FAST", "SLOW"] },
    labels: { type: "map", items: { type: "string" } },
    ports: { type: "array", items: { type: "object", properties: { number: { type: "number", required: true }, protocol: { type: "string" }, range: { type: "string" } } } },
  },
  outputs: {},
};
const facts: ResourceFacts = {
  id: "{name}",
  autonameMax: 8,
  immutable: "",
  fractions: "share",
  patterns: { name: /^[a-z]+$/ },
  ranges: { "ports[].number": [1, 65535] },
  items: { ports: [1, 2] },
  exactlyOne: ["ports[].protocol ports[].range"],
  conflicts: ["size share"],
};

/** Inputs without fault. */
const right: Values = { name: "gate", mode: "FAST", labels: { a: "b" }, ports: [{ number: 80, protocol: "tcp" }] };

function check(changes: Values): string[] {
  return checkInputs({ ...right, ...changes }, schema, facts);
}

test("inputs without fault have no failure", () => {
  expect(check({})).toEqual([]);
});

test.each<[string, Values, string]>([
  ["a property that there is not", { nmae: "x" }, "nmae: unknown property (is name meant?)"],
  ["a nested one", { ports: [{ number: 80, protocol: "tcp", colour: "red" }] }, "ports[0].colour: unknown property"],
  ["a missing one", { ports: [{ protocol: "tcp" }] }, "ports[0].number: required, and missing"],
  ["a wrong type", { labels: { a: 5 } }, "labels[a]: must be a string, and is a number"],
  ["an object for a list", { ports: { number: 80 } }, "ports: must be a list, and is an object"],
  ["a fraction", { size: 1.5 }, "size: must be a whole number"],
  ["a wrong choice", { mode: "fast" }, 'mode: must be one of FAST, SLOW, and is "fast"'],
  ["a wrong name", { name: "Gate" }, "name: must match ^[a-z]+$"],
  ["a long name", { name: "abcdefghi" }, "name: must be 1 to 8 characters, and is 9"],
  ["a number out of range", { ports: [{ number: 0, protocol: "tcp" }] }, "ports[0].number: must be 1 to 65535, and is 0"],
  ["an empty list", { ports: [] }, "ports: must be 1 to 2 items, and is 0"],
  ["two that exclude each other", { size: 1, share: 0.5 }, "size conflicts with share"],
  ["both of two", { ports: [{ number: 80, protocol: "tcp", range: "1-2" }] }, "exactly one of ports[0].protocol, ports[0].range must be given, and there are ports[0].protocol, ports[0].range"],
  ["none of two", { ports: [{ number: 80 }] }, "exactly one of ports[0].protocol, ports[0].range must be given, and there is none"],
])("%s is refused", (_, changes, failure) => {
  expect(check(changes)).toEqual([failure]);
});

test("an unknown passes wherever a value can stand", () => {
  fc.assert(
    fc.property(fc.subarray(Object.keys(schema.inputs)), (names) => {
      const inputs = { ...right, ...Object.fromEntries(names.filter((name) => name !== "share").map((name) => [name, UNKNOWN])) };
      expect(checkInputs(inputs, schema, facts)).toEqual([]);
    }),
  );
  expect(check({ ports: [{ number: UNKNOWN, protocol: UNKNOWN }, UNKNOWN] })).toEqual([]);
});

test("no value is in a failure but that of a choice, for it may be secret", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 12 }).filter((text) => !/^[a-z]+$/.test(text)), (value) => {
      const failures = check({ name: value, labels: { a: [value] }, ports: [{ number: value }], unknown: value }).join("\n");
      expect(failures).not.toContain(value);
      expect(failures).not.toBe("");
    }),
  );
});

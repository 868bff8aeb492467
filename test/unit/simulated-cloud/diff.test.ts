
import { diffInputs } from "../../support/simulated-cloud/provider/diff";
import { UNKNOWN } from "../../support/simulated-cloud/provider/property-values";
import type { Values } from "../../support/simulated-cloud/provider/property-values";
import type { ResourceFacts } from "../../support/simulated-cloud/provider/resource-facts";
import fc from "../../support/fast-check";

const facts: ResourceFacts = { id: "", immutable: "name disk ports.number", mutable: "disk.size" };
const values = fc.dictionary(fc.constantFrom("a", "b", "name", "disk"), fc.jsonValue({ maxDepth: 3 })) as fc.Arbitrary<Values>;

test("equal inputs have no difference, whatever the order of their properties", () => {
  fc.assert(fc.property(values, (inputs) => { expect(diffInputs(inputs, Object.fromEntries(Object.entries(inputs).reverse()), facts)).toEqual([]); }));
});

test("unequal inputs have one, and as many the other way round", () => {
  fc.assert(
    fc.property(values, values, (before, after) => {
      const there = diffInputs(before, after, facts);
      expect(there.length === 0).toBe(JSON.stringify(sorted(before)) === JSON.stringify(sorted(after)));
      expect(diffInputs(after, before, facts)).toHaveLength(there.length);
    }),
  );
});

test.each<[string, Values, Values, object[]]>([
  ["an added property", {}, { a: 1 }, [{ path: "a", kind: "add", replaces: false }]],
  ["a removed one", { a: 1 }, {}, [{ path: "a", kind: "delete", replaces: false }]],
  ["one that cannot be changed in place", { name: "x" }, { name: "y" }, [{ path: "name", kind: "update", replaces: true }]],
  ["what lies below one", { disk: { type: "a", size: 1 } }, { disk: { type: "b", size: 2 } }, [{ path: "disk.type", kind: "update", replaces: true }, { path: "disk.size", kind: "update", replaces: false }]],
  ["an item of a list", { ports: [{ number: 1 }] }, { ports: [{ number: 1 }, { number: 2 }] }, [{ path: "ports[1]", kind: "add", replaces: false }]],
  ["a property of an item", { ports: [{ number: 1 }] }, { ports: [{ number: 2 }] }, [{ path: "ports[0].number", kind: "update", replaces: true }]],
  ["an entry of a map", { labels: { "a/b": "1" } }, { labels: { "a/b": "2" } }, [{ path: 'labels["a/b"]', kind: "update", replaces: false }]],
  ["an unknown", { a: "x" }, { a: UNKNOWN }, [{ path: "a", kind: "update", replaces: false }]],
  ["what was filled in for the program", { __defaults: ["name"] }, { __defaults: [] }, []],
])("%s is told as such", (_, before, after, changes) => {
  expect(diffInputs(before, after, facts)).toEqual(changes);
});

test("a property that needs a new resource because of its value replaces", () => {
  expect(diffInputs({ a: 2 }, { a: 1 }, facts, ["a"])).toEqual([{ path: "a", kind: "update", replaces: true }]);
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, item]) => [name, sorted(item)])) : value;
}

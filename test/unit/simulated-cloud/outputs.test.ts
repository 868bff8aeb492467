import { withComputed } from "../../support/simulated-cloud/provider/computed-outputs";
import { withDefaults } from "../../support/simulated-cloud/provider/defaults";
import { secret, UNKNOWN, unwrapped, valuesAt } from "../../support/simulated-cloud/provider/property-values";
import type { ResourceFacts } from "../../support/simulated-cloud/provider/resource-facts";
import type { ResourceSchema } from "../../support/simulated-cloud/provider/schema/property-schema";

const schema: ResourceSchema = {
  inputs: {
    name: { type: "string", computed: true },
    note: { type: "string" },
    disk: { type: "object", properties: { size: { type: "number", computed: true }, type: { type: "string" } } },
    ports: { type: "array", items: { type: "object", properties: { number: { type: "number" }, address: { type: "string", computed: true } } } },
  },
  outputs: {
    name: { type: "string", required: true },
    note: { type: "string" },
    link: { type: "string", required: true },
    disk: { type: "object", properties: { size: { type: "number", required: true }, type: { type: "string" } } },
    ports: { type: "array", items: { type: "object", properties: { number: { type: "number" }, address: { type: "string", required: true } } } },
  },
};
const facts: ResourceFacts = { id: "{name}", autonameMax: 20, immutable: "", defaults: { protect: true, "disk.type": "ssd", "ports[].protocol": "tcp" } };
const naming = { logicalName: "Tier", seed: new Uint8Array(32) };

test("a preview's outputs are the inputs, and unknown what only the cloud knows", () => {
  const outputs = withComputed({ disk: { type: "ssd" }, ports: [{ number: 1 }], __defaults: [] }, {}, schema, true);
  expect(outputs).toEqual({ name: UNKNOWN, link: UNKNOWN, disk: { type: "ssd", size: UNKNOWN }, ports: [{ number: 1, address: UNKNOWN }] });
});

test("what was known before an update stays known, and what the program gave up does not stay", () => {
  expect(withComputed({ name: "a" }, { name: "b", link: "l", note: "old" }, schema, true)).toEqual({ name: "a", link: "l" });
});

test("what is made has what the cloud gave, and empty values for the rest", () => {
  const outputs = withComputed({ disk: secret({ type: "ssd" }), ports: [{ number: 1 }] }, { link: "l", ports: [{ address: "10.0.0.1" }] }, schema, false);
  expect(outputs).toEqual({ name: "", link: "l", disk: secret({ type: "ssd", size: 0 }), ports: [{ number: 1, address: "10.0.0.1" }] });
});

test("defaults fill in what is not given, inside secrets and lists too, and a name is made up", () => {
  const inputs = withDefaults({ disk: secret({}), ports: [{ number: 1 }, { number: 2, protocol: "udp" }] }, {}, facts, naming);
  expect(inputs).toMatchObject({ protect: true, disk: secret({ type: "ssd" }), ports: [{ number: 1, protocol: "tcp" }, { number: 2, protocol: "udp" }], __defaults: ["name", "protect"] });
  expect(inputs["name"]).toMatch(/^tier-[0-9a-f]{7}$/);
});

test("a name that was made up is kept, and one that the program gave before is not", () => {
  expect(withDefaults({}, { name: "tier-1234567", __defaults: ["name"] }, facts, naming)["name"]).toBe("tier-1234567");
  expect(withDefaults({}, { name: "mine", __defaults: [] }, facts, naming)["name"]).not.toBe("mine");
  expect(withDefaults({ name: "mine" }, {}, facts, naming)).toMatchObject({ name: "mine", __defaults: ["protect"] });
  expect(withDefaults({}, {}, facts, { ...naming, logicalName: "a".repeat(60) })["name"]).toHaveLength(20);
});

test("paths lead through lists and maps, and end at an unknown", () => {
  const inputs = { ports: [{ number: 1 }, { number: 2 }], policies: { a: { age: 1 } }, rest: UNKNOWN };
  expect(valuesAt(inputs, "ports[].number")).toEqual([{ place: "ports[0].number", value: 1 }, { place: "ports[1].number", value: 2 }]);
  expect(valuesAt(inputs, "policies.*.age")).toEqual([{ place: "policies.a.age", value: 1 }]);
  expect(valuesAt(inputs, "rest[].x")).toEqual([{ place: "rest", value: UNKNOWN }]);
  expect(valuesAt(inputs, "none.x")).toEqual([]);
});

test("marks around secrets come off at any depth", () => {
  expect(unwrapped({ a: secret([secret("x"), { b: secret(1) }]) })).toEqual({ a: ["x", { b: 1 }] });
});


import { compared } from "../../support/simulated-cloud/provider/docker/compared";
import { CONTAINER, dockerFacts } from "../../support/simulated-cloud/provider/docker/docker-facts";
import { formatDuration, parseDuration } from "../../support/simulated-cloud/provider/docker/durations";
import { dockerOutputs, readBack } from "../../support/simulated-cloud/provider/docker/read-back";
import { withComputed } from "../../support/simulated-cloud/provider/computed-outputs";
import { withDefaults } from "../../support/simulated-cloud/provider/defaults";
import type { Values } from "../../support/simulated-cloud/provider/property-values";
import { packageSchema } from "../../support/simulated-cloud/provider/schema/schema-cache";
import fc from "../../support/fast-check";

const schema = packageSchema("@pulumi/docker", Object.keys(dockerFacts))[CONTAINER]!;

/** What differs at the next deployment of the same container, or of another. */
function differences(inputs: Values, next: Values = inputs): string[] {
  const given = (values: Values): Values => withDefaults({ name: "server", image: "sha256:1", ...values }, {}, dockerFacts[CONTAINER]!, { logicalName: "server", seed: new Uint8Array() });
  const outputs = withComputed(given(inputs), dockerOutputs(CONTAINER, "0123456789abcdef", given(inputs)), schema, false);
  const { before, after } = compared({ oldOutputs: { ...outputs, ...readBack(CONTAINER, outputs) }, news: given(next) }, schema);
  return [...new Set([...Object.keys(before), ...Object.keys(after)])];
}

test.each<[string, Values]>([
  ["a bare container", {}],
  ["sets in any order, and empty things", { envs: ["B=2", "A=1"], labels: [], user: "", dns: [], tmpfs: {} }],
  ["durations as Go writes them", { healthcheck: { tests: ["CMD", "true"], interval: "1m0s", timeout: "5s", startPeriod: "1m30s" } }],
  ["memory with its swap", { memory: 64, memorySwap: 64 }],
  ["mounts of all kinds", { mounts: [{ type: "volume", source: "data", target: "/data" }, { type: "bind", source: "/etc", target: "/x", readOnly: true }], volumes: [{ volumeName: "v", containerPath: "/v" }] }],
  ["a port of which the engine chooses the number", { ports: [{ internal: 80 }] }],
])("%s does not differ from itself", (_, inputs) => {
  expect(differences(inputs)).toEqual([]);
});

test.each<[string, Values, string]>([
  ["a duration in another form", { healthcheck: { tests: ["CMD", "true"], interval: "60s" } }, "healthcheck"],
  ["memory without its swap", { memory: 64 }, "memorySwap"],
])("%s differs for ever, as with the real provider", (_, inputs, property) => {
  expect(differences(inputs)).toEqual([property]);
});

test("the order of a command counts, that of variables does not", () => {
  expect(differences({ command: ["a", "b"], envs: ["A=1", "B=2"] }, { command: ["b", "a"], envs: ["B=2", "A=1"] })).toEqual(["command"]);
  expect(differences({ envs: ["A=1"] }, { envs: ["A=2"] })).toEqual(["envs"]);
});

test("what the program gives up is kept where the provider has a value of its own, and taken back where not", () => {
  expect(differences({ shmSize: 128, restart: "always", cpuShares: 5 }, {})).toEqual(["cpuShares", "restart"]);
});

test("a duration is the same number in any form, and Go's form is read as itself", () => {
  expect(["60s", "90s", "1500ms", "2h", "0s"].map((text) => formatDuration(parseDuration(text)))).toEqual(["1m0s", "1m30s", "1.5s", "2h0m0s", "0s"]);
  fc.assert(fc.property(fc.integer({ min: 0, max: 1e6 }), (milliseconds) => { expect(parseDuration(formatDuration(milliseconds * 1e6))).toBe(milliseconds * 1e6); }));
});

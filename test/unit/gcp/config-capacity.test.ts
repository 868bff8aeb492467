
import { addressCount } from "../../../components/gcp/config/address-ranges";
import { connectionsNeeded, defaultMaxConnections, defaultMaxInstances, mostConnections } from "../../../components/gcp/config/connection-budget";
import { addressesNeeded, CONNECTOR_MBIT_PER_S, directEgressPrefix, instancesServed, usableAddresses } from "../../../components/gcp/config/egress-capacity";
import { isMissingIn, sqlMachine, zoneProblem } from "../../../components/gcp/config/machine-types";
import fc from "../../support/fast-check";

test.each([
  ["db-f1-micro", 25],
  ["db-g1-small", 50],
  ["db-custom-1-3840", 100],
  ["db-custom-2-5888", 100],
  ["db-custom-2-6144", 200],
  ["db-custom-2-7680", 400],
  ["db-custom-4-15104", 400],
  ["db-custom-4-15360", 500],
  ["db-custom-8-30720", 600],
  ["db-custom-16-61440", 800],
  ["db-custom-32-122880", 1000],
  ["db-perf-optimized-N-2", 500],
  ["db-c4a-highmem-4", 600],
])("%s takes %i connections by default", (machineType, connections) => {
  expect(defaultMaxConnections(sqlMachine(machineType)!.memoryMb)).toBe(connections);
});

test("more memory never means fewer connections, nor more by default than there is memory for", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), fc.integer({ min: 0, max: 100_000 }), (memoryMb, more) => {
      expect(defaultMaxConnections(memoryMb + more)).toBeGreaterThanOrEqual(defaultMaxConnections(memoryMb));
      expect(mostConnections(memoryMb)).toBeGreaterThanOrEqual(defaultMaxConnections(memoryMb));
    }),
  );
});

test("the default number of instances fits the connections, and one more would not, or is more than the default's most", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 1, max: 500 }), (connections, poolMax) => {
      const maxInstances = defaultMaxInstances(connections, poolMax);
      expect(connectionsNeeded({ maxInstances, poolMax })).toBeLessThanOrEqual(connections);
      if (maxInstances < 10) expect(connectionsNeeded({ maxInstances: maxInstances + 1, poolMax })).toBeGreaterThan(connections);
      else expect(maxInstances).toBe(10);
    }),
  );
});

test("a subnet of the prefix that is asked for has the addresses, and a smaller one would not", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000 }), (instances) => {
      const prefix = directEgressPrefix(instances);
      expect(prefix).toBeLessThanOrEqual(26);
      expect(usableAddresses({ first: 0, prefix })).toBeGreaterThanOrEqual(addressesNeeded(instances));
      if (prefix < 26) expect(usableAddresses({ first: 0, prefix: prefix + 1 })).toBeLessThan(addressesNeeded(instances));
      expect(addressCount({ first: 0, prefix })).toBeGreaterThanOrEqual(64);
    }),
  );
});

test("a connector serves more instances the more it has itself and the larger its machines are", () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 9 }), (count) => {
      for (const machineType of ["f1-micro", "e2-micro", "e2-standard-4"] as const) expect(instancesServed(machineType, count + 1)).toBeGreaterThan(instancesServed(machineType, count));
      expect(instancesServed("e2-standard-4", count)).toBeGreaterThan(instancesServed("e2-micro", count));
    }),
  );
  expect(Object.keys(CONNECTOR_MBIT_PER_S)).toEqual(["f1-micro", "e2-micro", "e2-standard-4"]);
});

test("custom machines are those that Cloud SQL has, and none beside", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1000, max: 700_000 }), (cpus, memoryMb) => {
      const exists = (cpus === 1 || cpus % 2 === 0) && cpus <= 96 && memoryMb % 256 === 0 && memoryMb >= 3840 && memoryMb >= cpus * 921.6 && memoryMb <= cpus * 6656;
      expect(sqlMachine(`db-custom-${cpus}-${memoryMb}`)).toEqual(exists ? { family: "custom", cpus, memoryMb, edition: "ENTERPRISE", diskType: "PD_SSD" } : undefined);
    }),
    { numRuns: 1000, examples: [[4, 15_360], [1, 3840], [1, 6656], [96, 638_976], [2, 13_312], [2, 13_568]] },
  );
});

test.each(["", "db-custom-4", "db-custom-04-15360", "db-custom-4-15360 ", "db-n1-standard-4", "db-perf-optimized-N-3", "db-perf-optimized-n-2", "db-c4a-highmem-128", "db-custom-N4-3-8192", "db-custom-N4-4-4096", "constructor", "__proto__"])("there is no machine type %j", (machineType) => {
  expect(sqlMachine(machineType)).toBeUndefined();
});

test("machines of the newer families have their edition, memory and kind of disk", () => {
  expect(sqlMachine("db-perf-optimized-N-128")).toEqual({ family: "N2 (perf-optimized)", cpus: 128, memoryMb: 864 * 1024, edition: "ENTERPRISE_PLUS", diskType: "PD_SSD" });
  expect(sqlMachine("db-c4a-highmem-72")).toEqual({ family: "C4A", cpus: 72, memoryMb: 576 * 1024, edition: "ENTERPRISE_PLUS", diskType: "HYPERDISK_BALANCED" });
  expect(sqlMachine("db-custom-N4-2-4096")).toEqual({ family: "N4", cpus: 2, memoryMb: 4096, edition: "ENTERPRISE", diskType: "HYPERDISK_BALANCED" });
});

test("a region is said not to have a family only where that is known", () => {
  expect(isMissingIn("N4", "europe-west1")).toBe(true);
  expect(isMissingIn("N4", "europe-west4")).toBe(false);
  expect(isMissingIn("custom", "europe-west1")).toBe(false);
  expect(isMissingIn("N2 (perf-optimized)", "europe-north2")).toBe(true);
  expect(isMissingIn("N4", "moon-central1")).toBe(false);
});

test("a zone is one of its region, as far as the region's zones are known", () => {
  expect(zoneProblem("europe-west1-b", "europe-west1")).toBeUndefined();
  expect(zoneProblem("europe-west1-a", "europe-west1")).toMatch(/does not exist; europe-west1 has b, c, d/);
  expect(zoneProblem("europe-west10-b", "europe-west1")).toMatch(/not in europe-west1/);
  expect(zoneProblem("moon-central1-f", "moon-central1")).toBeUndefined();
});

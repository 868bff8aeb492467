import type { Problems } from "../../../settings/problems";
import { formatRange, freeRange, parseRange, rangesOverlap } from "../address-ranges";
import type { AddressRange } from "../address-ranges";
import { addressesNeeded, directEgressPrefix, DIRECT_EGRESS_PREFIX_MAX, instancesServed, usableAddresses } from "../egress-capacity";
import type { GcpConfig } from "../gcp-config";
import type { Check } from "./check";

/** Two machines, four addresses that Google keeps, and room for a third. (VPC documentation, "Subnets".) */
const MACHINES_PREFIX_MAX = 28;
/** Cloud SQL takes a /24 of it for itself; Memorystore needs addresses beside that. (Cloud SQL documentation, "Private IP", allocated ranges.) */
const PRIVATE_SERVICES_PREFIX_MAX = { alone: 24, withRedis: 23 };
const CONNECTOR_PREFIX = 28;
const CONNECTOR_RANGES = "egress.ranges";

/** Docker's bridge inside of Cloud SQL: clients with such an address get no answer. (Cloud SQL documentation, "Private IP", network requirements.) */
const DOCKER_BRIDGE = parseRange("172.17.0.0/16")!;

interface NamedRange {
  readonly path: string;
  readonly range: AddressRange;
}

/** Ranges that overlap or are too small, and whether services can all have their way out. */
export const checkNetwork: Check = (config, _catalog, problems) => {
  if (!problems.clean("network", "egress")) return;
  const ranges = rangesOf(config);
  const taken = ranges.map(({ range }) => range);
  const offer = (prefix: number): string => {
    const range = freeRange(prefix, [...taken, DOCKER_BRIDGE]);
    return range === undefined ? `a free range of /${prefix}` : formatRange(range);
  };

  // Connectors have one setting for both ranges, and so one line that mends them.
  const offerFor = ({ path, range }: NamedRange): string => (path === CONNECTOR_RANGES ? offerPair([...taken, DOCKER_BRIDGE]) : offer(range.prefix));
  ranges.forEach((named, index) => {
    const { path, range } = named;
    const other = ranges.slice(0, index).find((candidate) => rangesOverlap(candidate.range, range));
    if (other !== undefined) problems.set(path, `${formatRange(range)} overlaps ${other.path} ${formatRange(other.range)}`, offerFor(named));
    if (rangesOverlap(range, DOCKER_BRIDGE)) problems.set(path, `${formatRange(range)} overlaps ${formatRange(DOCKER_BRIDGE)}, which Cloud SQL uses inside itself and does not answer`, offerFor(named));
    if (path === CONNECTOR_RANGES && range.prefix !== CONNECTOR_PREFIX) problems.set(path, `${formatRange(range)} is no /${CONNECTOR_PREFIX}; a connector takes nothing else`, offerFor(named));
  });

  const atMost = (path: string, prefix: number, why: string): void => {
    const { range } = ranges.find((candidate) => candidate.path === path)!;
    if (range.prefix > prefix) problems.set(path, `${formatRange(range)} is too small: ${why}`, offer(prefix));
  };
  atMost("network.machinesRange", MACHINES_PREFIX_MAX, `machines need /${MACHINES_PREFIX_MAX} or larger`);
  if (config.redis === null) atMost("network.privateServicesRange", PRIVATE_SERVICES_PREFIX_MAX.alone, `Cloud SQL needs /${PRIVATE_SERVICES_PREFIX_MAX.alone} or larger`);
  else atMost("network.privateServicesRange", PRIVATE_SERVICES_PREFIX_MAX.withRedis, `Cloud SQL takes a /24 of it and Redis needs more, so /${PRIVATE_SERVICES_PREFIX_MAX.withRedis} or larger`);
  // The setup's job has direct egress also where services have connectors.
  atMost("network.servicesRange", DIRECT_EGRESS_PREFIX_MAX, `Cloud Run needs /${DIRECT_EGRESS_PREFIX_MAX} or larger for direct egress`);

  if (problems.clean("services")) checkEgress(config, problems, offer);
};

function rangesOf({ network, egress }: GcpConfig): NamedRange[] {
  const texts: [string, string][] = [
    ["network.servicesRange", network.servicesRange],
    ["network.machinesRange", network.machinesRange],
    ["network.privateServicesRange", network.privateServicesRange],
    ...(egress.mode === "connector" ? egress.ranges.map((text): [string, string] => [CONNECTOR_RANGES, text]) : []),
  ];
  return texts.map(([path, text]) => ({ path, range: parseRange(text)! }));
}

/** Two free ranges for the connectors, as the setting has them. */
function offerPair(taken: readonly AddressRange[]): string {
  const a = freeRange(CONNECTOR_PREFIX, taken);
  const b = a === undefined ? undefined : freeRange(CONNECTOR_PREFIX, [...taken, a]);
  return a === undefined || b === undefined ? "two free ranges of /28" : JSON.stringify([formatRange(a), formatRange(b)]);
}

/** Whether all instances at their most fit through: counted with every service at its peak, since that is when it matters. */
function checkEgress({ egress, services, network }: GcpConfig, problems: Problems, offer: (prefix: number) => string): void {
  const instances = Object.values(services).reduce((sum, { maxInstances }) => sum + maxInstances, 0);
  if (egress.mode === "direct") {
    const range = parseRange(network.servicesRange)!;
    if (problems.clean("network.servicesRange") && usableAddresses(range) < addressesNeeded(instances)) {
      problems.set("network.servicesRange", `${formatRange(range)} has ${usableAddresses(range)} usable addresses, but ${instances} instances may need ${addressesNeeded(instances)}; when they run out, Cloud Run starts no more instances`, offer(directEgressPrefix(instances)));
    }
    return;
  }
  if (egress.minInstances >= egress.maxInstances) problems.set("egress.maxInstances", `is ${egress.maxInstances}, not over minInstances ${egress.minInstances}`, String(egress.minInstances + 1));
  const served = instancesServed(egress.machineType, egress.maxInstances);
  if (instances <= served) return;
  const what = `is ${egress.maxInstances} of ${egress.machineType}, enough for ${served} instances of services, but there may be ${instances}, and one connector must carry them all while the other is out`;
  const enough = [4, 5, 6, 7, 8, 9, 10].find((count) => instancesServed(egress.machineType, count) >= instances);
  if (enough !== undefined) problems.set("egress.maxInstances", what, String(enough));
  else if (egress.machineType !== "e2-standard-4") problems.set("egress.machineType", what, "e2-standard-4");
  else problems.set("egress.mode", what, "direct");
}

import { addressCount } from "./address-ranges";
import type { AddressRange } from "./address-ranges";

/** Google keeps the first two and the last two addresses of every subnet. (VPC documentation, "Subnets", unusable addresses.) */
const UNUSABLE_ADDRESSES = 4;

/** Addresses that an instance may take at its worst: two while it runs, and as many again during a rollout, handed out in blocks of 16. (Cloud Run documentation, "Direct VPC egress": plan four times as many as instances, and /26 at the least.) */
const ADDRESSES_PER_INSTANCE = 4;

/** Longest prefix that Cloud Run takes for direct egress. */
export const DIRECT_EGRESS_PREFIX_MAX = 26;

/** Addresses that so many instances need. */
export function addressesNeeded(instances: number): number {
  return instances * ADDRESSES_PER_INSTANCE;
}

/** Addresses of a subnet that machines and instances can have. */
export function usableAddresses(subnet: AddressRange): number {
  return Math.max(0, addressCount(subnet) - UNUSABLE_ADDRESSES);
}

/** The longest prefix, so the smallest subnet, that gives this many instances direct egress. */
export function directEgressPrefix(instances: number): number {
  return Math.min(DIRECT_EGRESS_PREFIX_MAX, 32 - Math.ceil(Math.log2(addressesNeeded(instances) + UNUSABLE_ADDRESSES)));
}

/** What one instance of a connector carries. (Serverless VPC Access documentation, machine types: 100 to 500, 200 to 1000 and 3200 to 16000 Mbit/s with 2 to 10 instances.) */
export const CONNECTOR_MBIT_PER_S = { "f1-micro": 50, "e2-micro": 100, "e2-standard-4": 1600 } as const;

/** What we count for one instance of a service at its peak: some 250 queries a second with answers of 10 kB. A rule of our own; the alert on the connector's throughput shows where it is wrong. */
const SERVICE_INSTANCE_MBIT_PER_S = 20;

/** Instances of services that one connector can serve. It must be able to serve all of them, since the other one may be out. */
export function instancesServed(machineType: keyof typeof CONNECTOR_MBIT_PER_S, maxConnectorInstances: number): number {
  return Math.floor((CONNECTOR_MBIT_PER_S[machineType] * maxConnectorInstances) / SERVICE_INSTANCE_MBIT_PER_S);
}

import { createHash } from "node:crypto";

import type { TierContext } from "../tier";

/** The tier's servers in containers. */
export const SERVERS = ["postgres", "redis", "clickhouse"] as const;
export type Server = (typeof SERVERS)[number];

/** The network that all containers of the tier are in, by which containers of a team's own may join. */
export const NETWORK = "bulkhead";

/** Name of a server's container, and what it is called in the network. They are fixed, for people's habits and configurations: one stack a Docker engine. */
export const CONTAINERS: Readonly<Record<Server, string>> = { postgres: "shared-postgres", redis: "shared-redis", clickhouse: "shared-clickhouse" };

/** Ports inside the network, which do not depend on those of the host. */
export const PORTS: Readonly<Record<Server, number>> = { postgres: 5432, redis: 6379, clickhouse: 8443 };

/** Where the servers' certificate is good: on the host, and in the network. */
export const CERTIFICATE_NAMES = { hostNames: ["localhost", ...Object.values(CONTAINERS)], addresses: ["127.0.0.1", "::1"] } as const;

/** Volume of a server's data. It is found again by its name, after everything else of the stack was destroyed. */
export function volumeName(stack: string, server: Server): string {
  return `bulkhead-${stack}-${server}`;
}

/** Container of a service of the catalog; in the network it is called as in the catalog. */
export function serviceContainerName(stack: string, service: string): string {
  return `bulkhead-${stack}-${service}`;
}

/** Labels of everything that is made here. What has one of our names without these labels is somebody else's, and is never touched. */
export const LABELS = {
  stack: "bulkhead.stack",
  /** Which checkout made it: two of them may have a stack of the same name. */
  checkout: "bulkhead.checkout",
  /** Hash of what the container reads at its start only: another hash is another container. */
  config: "bulkhead.config",
} as const;

/** Label of a volume. Not the checkout: a volume outlives it, and one that was moved or cloned anew finds its data by name. */
export function volumeLabelsOf({ stack }: Pick<TierContext, "stack">): Readonly<Record<string, string>> {
  return { [LABELS.stack]: stack };
}

/** The labels of one stack of one checkout. */
export function labelsOf({ stack, root }: Pick<TierContext, "stack" | "root">): Readonly<Record<string, string>> {
  return { [LABELS.stack]: stack, [LABELS.checkout]: checkoutHash(root) };
}

/** A checkout by the path of its root: what it is called in labels, which everybody on the engine can read. 16 hexadecimal digits. */
export function checkoutHash(root: string): string {
  return createHash("sha256").update(root).digest("hex").slice(0, 16);
}

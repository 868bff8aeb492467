/**
 * `max_connections` of Cloud SQL for PostgreSQL where nobody sets it, by the machine's memory.
 * (Cloud SQL documentation, "Configure database flags", max_connections, and "Quotas and limits", Cloud SQL connection limits.)
 */
const DEFAULTS: readonly { readonly fromMb: number; readonly connections: number }[] = [
  { fromMb: 122_880, connections: 1000 },
  { fromMb: 61_440, connections: 800 },
  { fromMb: 30_720, connections: 600 },
  { fromMb: 15_360, connections: 500 },
  { fromMb: 7_680, connections: 400 },
  { fromMb: 6_144, connections: 200 },
  { fromMb: 3_840, connections: 100 },
  { fromMb: 1_740, connections: 50 },
  { fromMb: 0, connections: 25 },
];

export function defaultMaxConnections(memoryMb: number): number {
  return DEFAULTS.find(({ fromMb }) => memoryMb >= fromMb)!.connections;
}

/**
 * As many connections as a machine of this memory should ever be told to take: an idle one holds up to 10 MB with its caches, and the
 * machine needs memory for more than that. A rule of our own; Google takes up to 262143.
 */
export function mostConnections(memoryMb: number): number {
  return Math.max(defaultMaxConnections(memoryMb), Math.floor(memoryMb / 10));
}

/**
 * Connections that no compartment may count on: 3 that Postgres keeps for superusers, those of Google's own agents, and the admin's.
 * Google publishes no number for its agents; 20 is what the laptop's tier keeps as well.
 */
export const RESERVED_CONNECTIONS = 20;

/** During a rollout the old and the new revision run side by side, each with all its instances. */
export const ROLLOUT_FACTOR = 2;

/** Instances of a service where nobody says how many, as far as its connections go round. */
const DEFAULT_MAX_INSTANCES = 10;

/** Connections of an instance's pool where nobody says how many. */
export const DEFAULT_POOL_MAX = 5;

/** Connections that a service can come to hold. */
export function connectionsNeeded({ maxInstances, poolMax }: { readonly maxInstances: number; readonly poolMax: number }): number {
  return maxInstances * poolMax * ROLLOUT_FACTOR;
}

/** As many instances as fit into `connections`, at most 10; 0 when not even one fits. A service without connections is not bound by them. */
export function defaultMaxInstances(connections: number, poolMax: number): number {
  return poolMax === 0 ? DEFAULT_MAX_INSTANCES : Math.min(DEFAULT_MAX_INSTANCES, Math.floor(connections / (poolMax * ROLLOUT_FACTOR)));
}

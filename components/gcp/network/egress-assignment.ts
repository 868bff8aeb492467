export type ConnectorId = "a" | "b";

/**
 * Which connector carries which service: in turns, in the order of the catalog. So both carry equally many, give or take one, and a service
 * that is added at the catalog's end moves no other. (Balanced and independent of the order is impossible: of three services two would share one, whichever third is added.)
 * One that moves is deployed anew on the other connector, without an outage.
 *
 * @param active `both`, or the only one that carries traffic while the other is mended
 */
export function assignConnectors(services: readonly string[], active: "both" | ConnectorId): ReadonlyMap<string, ConnectorId> {
  return new Map(services.map((service, index) => [service, active === "both" ? (index % 2 === 0 ? "a" : "b") : active]));
}

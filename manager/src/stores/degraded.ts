import type { StoreAbsence, StoreReport } from "./store";
import type { StoreKind } from "./store-secret";

/** What a service wants and does not have; it runs without, as well as it can. */
export interface Degradation extends StoreAbsence {
  readonly store: StoreKind;
}

/** The stores that a service asks for and that are absent. */
export function degradations(service: string, stores: readonly StoreReport[]): Degradation[] {
  return stores.flatMap(({ kind, services, absence }) => (absence !== null && services.includes(service) ? [{ store: kind, ...absence }] : []));
}

/** Whether the stores that a service asks for, as far as they are there, are as the last setup left them. */
export function storesAreReady(service: string, stores: readonly StoreReport[]): boolean {
  return stores.every(({ services, absence, token }) => absence !== null || token !== null || !services.includes(service));
}

/**
 * What is not as it should be in the stores of a service, as sentences. A difference in a store is one of every service in it. There may be some where all is ready: what somebody else put
 * there is told, and left alone.
 */
export function storeFindings(service: string, stores: readonly StoreReport[]): string[] {
  return stores.flatMap(({ kind, services, findings }) => (services.includes(service) ? findings.map((finding) => `${kind}: ${finding}`) : []));
}

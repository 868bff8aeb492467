import type { Catalog, Service } from "../catalog/catalog";
import { STORE_RULES } from "../validate/rules";
import type { StoreRule } from "../validate/rules";
import type { Evidence } from "../validate/report";
import type { Store } from "./store";
import { STORE_KINDS } from "./store-secret";
import type { StoreKind } from "./store-secret";

/** What is tried of the stores, for services that ask for one. */
export interface StoreEvidenceOptions {
  readonly catalog: Catalog;
  /** Those of the tier. */
  readonly stores: readonly Store[];
  /** Default: all. */
  readonly services?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Every rule of every store, for each service that asks for it: tried from the inside where the store runs, skipped with the reason where it does not. */
export async function storeEvidence({ catalog, stores, services, signal }: StoreEvidenceOptions): Promise<Evidence[]> {
  const chosen = catalog.services.filter(({ name }) => services === undefined || services.includes(name));
  const evidence = await Promise.all(
    STORE_KINDS.map(async (kind) => {
      const asking = chosen.filter((service) => service[kind]);
      if (asking.length === 0) return [];
      const store = stores.find((candidate) => candidate.kind === kind);
      if (store === undefined) return skipped(kind, asking, "not tried: on this target it cannot be reached from where the checks run");
      if (store.absence !== null) return skipped(kind, asking, `not tried: ${store.absence.reason}`);
      return (await store.validate(signal)).filter(({ service }) => asking.some(({ name }) => name === service));
    }),
  );
  return evidence.flat();
}

function skipped(kind: StoreKind, services: readonly Service[], detail: string): Evidence[] {
  const rules = (Object.keys(STORE_RULES) as StoreRule[]).filter((rule) => rule.startsWith(`${kind}-`));
  return services.flatMap(({ name }) => rules.map((rule): Evidence => ({ rule, service: name, status: "skipped", detail, ms: 0 })));
}

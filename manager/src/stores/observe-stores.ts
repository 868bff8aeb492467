import type { Store, StoreReport } from "./store";

/** Looks at every store; changes nothing. One that is absent has nothing to find, and no setup to wait for. */
export function observeStores(stores: readonly Store[], signal?: AbortSignal): Promise<StoreReport[]> {
  return Promise.all(
    stores.map(async (store) => {
      const { kind, services, absence } = store;
      const observation = absence === null ? await store.observe(signal) : { token: null, findings: [] };
      return { kind, services, absence, ...observation };
    }),
  );
}

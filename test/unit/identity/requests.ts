import { defineServices } from "../../../manager/src/catalog/define-services";
import { rotateIdentityKey } from "../../../manager/src/identity";
import type { IdentityKey, IdentityKeyStore } from "../../../manager/src/identity";
import { publicOnly } from "../../../manager/src/identity";

/** frontend → backend → accounts; nobody calls frontend. */
export const catalog = defineServices({ accounts: { port: 1 }, backend: { port: 2, calls: ["accounts"] }, frontend: { port: 3, database: null, calls: ["backend"] } });

/** Keys in memory, one for each service, with a count of the readings. */
export async function keyStore(nowMs?: number): Promise<IdentityKeyStore & { readonly all: Map<string, readonly IdentityKey[]>; readonly reads: { public: number } }> {
  const all = new Map<string, readonly IdentityKey[]>();
  const reads = { public: 0 };
  const store: IdentityKeyStore = {
    readSigningKeys: async (service) => all.get(service) ?? [],
    readPublicKeys: async (service) => {
      reads.public += 1;
      return (all.get(service) ?? []).map(publicOnly);
    },
    writeKeys: async (service, keys) => void all.set(service, keys),
  };
  for (const { name } of catalog.services) await rotateIdentityKey(store, name, nowMs);
  return { ...store, all, reads };
}

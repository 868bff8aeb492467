import type { StoreSecretStore } from "../../../../manager/src/stores/store";
import { parseStoreSecret } from "../../../../manager/src/stores/store-secret";
import type { GoogleClients } from "../../google/clients";
import { storeSecretNames } from "../../secrets/secret-containers";
import { readSecretText } from "./secret-text";

/** The services' logins in Redis and ClickHouse, in Secret Manager. */
export function managedStoreSecrets(clients: GoogleClients, stack: string): Pick<StoreSecretStore, "readStore"> {
  const names = storeSecretNames(stack);
  return { readStore: async (service, kind) => parseStoreSecret((await readSecretText(clients, names[kind](service))) ?? "") };
}

import { parseSecret, SECRET_LOGINS } from "../../../manager/src/secrets/secret";
import type { DatabaseSecret, ReachedAt, SecretStore } from "../../../manager/src/secrets/secret";
import type { GoogleClients } from "../google/clients";
import { addVersion, disableVersions, readLatestVersion, secretReference } from "../google/secret-versions";
import { namesOf } from "../labels";


/**
 * Secrets in Google Secret Manager: `bulkhead-<stack>-<service>-<login>`, JSON as on the laptop. Pulumi makes the secrets, this only their
 * versions: so no password is ever in Pulumi's state.
 */
export function secretManagerStore(clients: GoogleClients, stack: string): SecretStore {
  const names = namesOf(stack);
  const idOf = ({ service, login }: { readonly service: string; readonly login: (typeof SECRET_LOGINS)[number] }): string => names.secret(service, login);
  return {
    read: (ref) => readStoredSecret(clients, idOf(ref)),
    write: (ref, secret) => writeStoredSecret(clients, idOf(ref), secret),
    // The secrets themselves are Pulumi's to remove; their versions stop working here.
    remove: async (service) => {
      for (const login of SECRET_LOGINS) await disableVersions(clients, names.secret(service, login), Infinity);
    },
    reference: (ref) => secretReference(clients, idOf(ref)),
  };
}

/** The same store, with secrets that lead to the server from here. What is written stays without that address: it means nothing to anybody else. */
export function reachedStore(store: SecretStore, reach: ReachedAt | undefined): SecretStore {
  if (reach === undefined) return store;
  return {
    ...store,
    async read(ref) {
      const secret = await store.read(ref);
      return secret && { ...secret, reach };
    },
    write: (ref, { host, port, dbname, username, password, sslmode, ca, url }) => store.write(ref, { host, port, dbname, username, password, sslmode, ca, url }),
  };
}

/**
 * The latest version of a secret; undefined where there is none, or none that is whole.
 *
 * @throws BulkheadError `SECRET_DISABLED`, `GCP_…`
 */
export async function readStoredSecret(clients: GoogleClients, id: string, signal?: AbortSignal): Promise<DatabaseSecret | undefined> {
  const text = await readLatestVersion(clients, id, signal);
  return text === undefined ? undefined : parseSecret(text);
}

/**
 * Writes a secret, unless the latest version says the same.
 *
 * @throws BulkheadError `SECRET_DISABLED`, `SECRET_CONTAINER_MISSING`, `SECRET_TOO_LARGE`, `GCP_…`
 */
export async function writeStoredSecret(clients: GoogleClients, id: string, { host, port, dbname, username, password, sslmode, ca, url }: DatabaseSecret): Promise<void> {
  // Named one by one: nothing that is only in memory gets out.
  const text = JSON.stringify({ host, port, dbname, username, password, sslmode, ca, url });
  const latest = await readLatestVersion(clients, id);
  if (latest !== text) await addVersion(clients, id, text);
}

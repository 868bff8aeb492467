import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import { parseSecret, SECRET_LOGINS } from "../../manager/src/secrets/secret";
import type { DatabaseSecret, ReachedAt, SecretStore } from "../../manager/src/secrets/secret";
import { callGoogle } from "./google/clients";
import type { GoogleClients } from "./google/clients";
import { googleError, readFailure } from "./google/failures";
import { namesOf } from "./labels";

/** Secret Manager's bound for a payload (documentation, "Quotas and limits"). */
const PAYLOAD_MAX_BYTES = 64 * 1024;
const READ_PERMISSION = "roles/secretmanager.secretAccessor on the secret";
const WRITE_PERMISSION = "roles/secretmanager.secretVersionManager on the secret";

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
    reference: (ref) => referenceOf(clients, idOf(ref)),
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
  const text = await readLatest(clients, id, signal);
  return text === undefined ? undefined : parseSecret(text);
}

/**
 * Adds a version, unless the latest says the same, and disables those before it: none is destroyed, so that there is a way back. Of two
 * that write at once the higher number stays, whoever is done last.
 *
 * @throws BulkheadError `SECRET_CONTAINER_MISSING`, `SECRET_TOO_LARGE`, `GCP_…`
 */
export async function writeStoredSecret(clients: GoogleClients, id: string, { host, port, dbname, username, password, sslmode, ca, url }: DatabaseSecret): Promise<void> {
  // Named one by one: nothing that is only in memory gets out.
  const text = JSON.stringify({ host, port, dbname, username, password, sslmode, ca, url });
  if (Buffer.byteLength(text) > PAYLOAD_MAX_BYTES) throw new BulkheadError("SECRET_TOO_LARGE", `the secret ${id} would have ${Buffer.byteLength(text)} bytes; Secret Manager takes ${PAYLOAD_MAX_BYTES}`);
  const latest = await readLatest(clients, id);
  if (latest === text) return;
  const client = await clients.secretManager();
  const what = `writing the secret ${id}`;
  let added: string;
  try {
    const [version] = await callGoogle(() => client.addSecretVersion({ parent: referenceOf(clients, id), payload: { data: Buffer.from(text) } }, { retry: null }), { what, permission: WRITE_PERMISSION });
    added = version.name ?? "";
  } catch (error) {
    if (readFailure((error as { cause?: unknown }).cause).status !== "NOT_FOUND") throw error;
    throw new BulkheadError("SECRET_CONTAINER_MISSING", `there is no secret ${id} in project ${clients.settings.project} to write a version of`, { hint: "npm run up (it makes the secrets before the compartments)", cause: error });
  }
  await disableVersions(clients, id, versionNumber(added));
}

/** Stack outputs and messages name a secret like this. */
function referenceOf({ settings }: GoogleClients, id: string): string {
  return `projects/${settings.project}/secrets/${id}`;
}

async function readLatest(clients: GoogleClients, id: string, signal?: AbortSignal): Promise<string | undefined> {
  const client = await clients.secretManager();
  const name = `${referenceOf(clients, id)}/versions/latest`;
  const options = { what: `reading the secret ${id}`, permission: READ_PERMISSION, signal };
  try {
    const [{ payload }] = await callGoogle(() => client.accessSecretVersion({ name }, { retry: null }), options);
    const data = payload?.data;
    return data === undefined || data === null ? undefined : Buffer.from(data as Uint8Array).toString("utf8");
  } catch (error) {
    const { status } = readFailure((error as { cause?: unknown }).cause);
    if (status === "NOT_FOUND") return undefined;
    if (status !== "FAILED_PRECONDITION") throw googleError(error, options.what, options.permission);
    const [version] = await callGoogle(() => client.getSecretVersion({ name }, { retry: null }), options);
    throw notEnabled(clients.settings.project, id, version);
  }
}

/** Somebody did that on purpose, or by mistake; making a new password over it would hide which. */
function notEnabled(project: string, id: string, { name, state }: { readonly name?: string | null; readonly state?: unknown }): BulkheadError {
  const number = versionNumber(name ?? "");
  const destroyed = state === "DESTROYED";
  return new BulkheadError("SECRET_DISABLED", `the latest version (${number}) of the secret ${id} is ${destroyed ? "destroyed" : "disabled"}`, {
    // With `--secret=`, redaction would take the name for the secret.
    hint: destroyed ? `have a new password made, by a version without one: printf '{}' | gcloud secrets versions add ${id} --data-file=- --project=${project}` : `gcloud secrets versions enable projects/${project}/secrets/${id}/versions/${number}`,
  });
}

/** Disables the enabled versions with a lower number. */
async function disableVersions(clients: GoogleClients, id: string, below: number): Promise<void> {
  const client = await clients.secretManager();
  const what = `disabling old versions of the secret ${id}`;
  try {
    const [versions] = await callGoogle(() => client.listSecretVersions({ parent: referenceOf(clients, id), filter: "state:ENABLED" }, { retry: null }), { what, permission: WRITE_PERMISSION });
    for (const { name } of versions) {
      if (name === undefined || name === null || versionNumber(name) >= below) continue;
      await callGoogle(() => client.disableSecretVersion({ name }, { retry: null }), { what, permission: WRITE_PERMISSION });
    }
  } catch (error) {
    // Gone with the stack, or disabled by the other writer.
    const { status } = readFailure((error as { cause?: unknown }).cause);
    if (status !== "NOT_FOUND" && status !== "FAILED_PRECONDITION") throw error;
  }
}

/** `projects/1/secrets/x/versions/7` → 7. */
function versionNumber(name: string): number {
  return Number(name.slice(name.lastIndexOf("/") + 1));
}

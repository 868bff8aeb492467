import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { callGoogle } from "./clients";
import type { GoogleClients } from "./clients";
import { googleError, readFailure } from "./failures";

/** Secret Manager's bound for a payload (documentation, "Quotas and limits"). */
const PAYLOAD_MAX_BYTES = 64 * 1024;
const READ_PERMISSION = "roles/secretmanager.secretAccessor on the secret";
const WRITE_PERMISSION = "roles/secretmanager.secretVersionManager on the secret";

/** Stack outputs and messages name a secret like this. */
export function secretReference({ settings }: GoogleClients, id: string): string {
  return `projects/${settings.project}/secrets/${id}`;
}

/**
 * The text of a secret's latest version; undefined where there is none.
 *
 * @throws BulkheadError `SECRET_DISABLED` where that version is disabled or destroyed, `GCP_…`
 */
export async function readLatestVersion(clients: GoogleClients, id: string, signal?: AbortSignal): Promise<string | undefined> {
  const client = await clients.secretManager();
  const name = `${secretReference(clients, id)}/versions/latest`;
  const options = { what: `reading the secret ${id}`, permission: READ_PERMISSION, signal };
  try {
    const [{ payload }] = await callGoogle(() => client.accessSecretVersion({ name }, { retry: null }), { ...options, repeatable: true });
    const data = payload?.data;
    return data === undefined || data === null ? undefined : Buffer.from(data as Uint8Array).toString("utf8");
  } catch (error) {
    const { status } = readFailure((error as { cause?: unknown }).cause);
    if (status === "NOT_FOUND") return undefined;
    if (status !== "FAILED_PRECONDITION") throw googleError(error, options.what, options.permission);
    const [version] = await callGoogle(() => client.getSecretVersion({ name }, { retry: null }), { ...options, repeatable: true });
    throw notEnabled(clients.settings.project, id, version);
  }
}

/**
 * Before anything is changed: whether the latest version can be used. A secret that has none yet passes, and so does one that this account may
 * not look at, as where the setup's job alone reads the services' secrets: that one finds out.
 *
 * @throws BulkheadError `SECRET_DISABLED`, `GCP_…`
 */
export async function requireEnabled(clients: GoogleClients, id: string, signal?: AbortSignal): Promise<void> {
  const client = await clients.secretManager();
  const options = { what: `looking at the secret ${id}`, permission: READ_PERMISSION, signal };
  try {
    const [version] = await callGoogle(() => client.getSecretVersion({ name: `${secretReference(clients, id)}/versions/latest` }, { retry: null }), { ...options, repeatable: true });
    if (version.state !== "ENABLED") throw notEnabled(clients.settings.project, id, version);
  } catch (error) {
    const { status } = readFailure((error as { cause?: unknown }).cause);
    if (status !== "NOT_FOUND" && status !== "PERMISSION_DENIED") throw error;
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

/**
 * Adds a version, and disables those before it: none is destroyed, so that there is a way back. Of two that write at once the higher number
 * stays, whoever is done last.
 *
 * @throws BulkheadError `SECRET_CONTAINER_MISSING`, `SECRET_TOO_LARGE`, `GCP_…`
 */
export async function addVersion(clients: GoogleClients, id: string, text: string, signal?: AbortSignal): Promise<void> {
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > PAYLOAD_MAX_BYTES) throw new BulkheadError("SECRET_TOO_LARGE", `the secret ${id} would have ${sizeBytes} bytes; Secret Manager takes ${PAYLOAD_MAX_BYTES}`);
  const client = await clients.secretManager();
  let added: string;
  try {
    const [version] = await callGoogle(() => client.addSecretVersion({ parent: secretReference(clients, id), payload: { data: Buffer.from(text) } }, { retry: null }), { what: `writing the secret ${id}`, permission: WRITE_PERMISSION, signal });
    added = version.name ?? "";
  } catch (error) {
    if (readFailure((error as { cause?: unknown }).cause).status !== "NOT_FOUND") throw error;
    throw new BulkheadError("SECRET_CONTAINER_MISSING", `there is no secret ${id} in project ${clients.settings.project} to write a version of`, { hint: "pulumi refresh, then npm run up: it makes the secret, then what is in it", cause: error });
  }
  await disableVersions(clients, id, versionNumber(added), signal);
}

/** Disables the enabled versions with a lower number. */
export async function disableVersions(clients: GoogleClients, id: string, below: number, signal?: AbortSignal): Promise<void> {
  const client = await clients.secretManager();
  const what = `disabling old versions of the secret ${id}`;
  try {
    const [versions] = await callGoogle(() => client.listSecretVersions({ parent: secretReference(clients, id), filter: "state:ENABLED" }, { retry: null }), { repeatable: true, what, permission: WRITE_PERMISSION, signal });
    for (const { name } of versions) {
      if (name === undefined || name === null || versionNumber(name) >= below) continue;
      await callGoogle(() => client.disableSecretVersion({ name }, { retry: null }), { what, permission: WRITE_PERMISSION, signal });
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

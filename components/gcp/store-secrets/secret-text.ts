import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { callGoogle } from "../google/clients";
import type { GoogleClients } from "../google/clients";
import { readFailure } from "../google/failures";

const READ_PERMISSION = "roles/secretmanager.secretAccessor on the secret";
const WRITE_PERMISSION = "roles/secretmanager.secretVersionManager on the secret";

/**
 * The latest version of a secret; undefined where there is none, or it is disabled or destroyed. What a store's secret holds can be read
 * or made again, so that is mended, while a login to a database is not touched (`SECRET_DISABLED`).
 *
 * @throws BulkheadError `GCP_…`
 */
export async function readSecretText(clients: GoogleClients, id: string, signal?: AbortSignal): Promise<string | undefined> {
  const client = await clients.secretManager();
  try {
    const [{ payload }] = await callGoogle(() => client.accessSecretVersion({ name: `${parentOf(clients, id)}/versions/latest` }, { retry: null }), { what: `reading the secret ${id}`, permission: READ_PERMISSION, signal });
    const data = payload?.data;
    return data === undefined || data === null ? undefined : Buffer.from(data as Uint8Array).toString("utf8");
  } catch (error) {
    if (["NOT_FOUND", "FAILED_PRECONDITION"].includes(statusOf(error))) return undefined;
    throw error;
  }
}

/**
 * Adds a version, and disables those before it: none is destroyed, so that there is a way back.
 *
 * @throws BulkheadError `SECRET_CONTAINER_MISSING`, `GCP_…`
 */
export async function writeSecretText(clients: GoogleClients, id: string, text: string, signal?: AbortSignal): Promise<void> {
  const client = await clients.secretManager();
  const options = { what: `writing the secret ${id}`, permission: WRITE_PERMISSION, signal };
  const parent = parentOf(clients, id);
  let added: number;
  try {
    const [version] = await callGoogle(() => client.addSecretVersion({ parent, payload: { data: Buffer.from(text) } }, { retry: null }), options);
    added = versionNumber(version.name);
  } catch (error) {
    if (statusOf(error) !== "NOT_FOUND") throw error;
    throw new BulkheadError("SECRET_CONTAINER_MISSING", `there is no secret ${id} in project ${clients.settings.project} to write a version of`, { hint: "pulumi refresh, then npm run up: it makes the secret, then what is in it", cause: error });
  }
  const [versions] = await callGoogle(() => client.listSecretVersions({ parent, filter: "state:ENABLED" }, { retry: null }), options);
  for (const { name } of versions) {
    if (!name || versionNumber(name) >= added) continue;
    try {
      await callGoogle(() => client.disableSecretVersion({ name }, { retry: null }), options);
    } catch (error) {
      // Destroyed by somebody in between.
      if (statusOf(error) !== "FAILED_PRECONDITION") throw error;
    }
  }
}

function parentOf({ settings }: GoogleClients, id: string): string {
  return `projects/${settings.project}/secrets/${id}`;
}

/** `projects/1/secrets/x/versions/7` → 7. */
function versionNumber(name: string | null | undefined): number {
  return Number(name?.slice(name.lastIndexOf("/") + 1));
}

function statusOf(error: unknown): string {
  return readFailure((error as { cause?: unknown }).cause).status;
}

import { BulkheadError } from "../../../../manager/src/errors/bulkhead-error";
import type { GoogleClients } from "../../google/clients";
import { readLatestVersion } from "../../google/secret-versions";

/**
 * The latest version of a store's secret; undefined where there is none, or it is disabled or destroyed. What it holds can be read or made
 * again, so that is mended, while a login to a database is not touched (`SECRET_DISABLED`).
 *
 * @throws BulkheadError `GCP_…`
 */
export async function readSecretText(clients: GoogleClients, id: string, signal?: AbortSignal): Promise<string | undefined> {
  try {
    return await readLatestVersion(clients, id, signal);
  } catch (error) {
    if (error instanceof BulkheadError && error.code === "SECRET_DISABLED") return undefined;
    throw error;
  }
}

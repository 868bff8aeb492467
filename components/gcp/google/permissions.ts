import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import type { GoogleClients } from "./clients";

/**
 * Asks Resource Manager which permissions the caller has on the project; the cheapest call that also proves the credentials.
 *
 * @throws BulkheadError `GCP_PERMISSION` naming all that are missing, `GCP_CREDENTIALS`
 */
export async function requirePermissions(clients: GoogleClients, permissions: readonly string[], purpose: string, signal?: AbortSignal): Promise<void> {
  const { project } = clients.settings;
  const answer = await clients.rest<{ permissions?: readonly string[] }>(
    "resourceManagerV3",
    { method: "POST", path: `projects/${project}:testIamPermissions`, body: { permissions } },
    { what: `asking for the permissions on project ${project}`, signal },
  );
  const missing = permissions.filter((permission) => !(answer.permissions ?? []).includes(permission));
  if (missing.length === 0) return;
  throw new BulkheadError("GCP_PERMISSION", `this account may not ${purpose} in project ${project}: it lacks ${missing.join(", ")}`, { hint: `have a role with ${missing.length === 1 ? "it" : "them"} given to you: gcloud projects add-iam-policy-binding ${project} --member=user:<you> --role=<role>` });
}

import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { ensureAdminLogin } from "./admin-login";
import { requirePermissions } from "../google/permissions";
import { namesOf } from "../labels";
import { readStoredSecret, secretManagerStore } from "../secrets/secret-store";
import { managedStoreSecrets } from "../stores/secrets/managed-store-secrets";
import { jobOperations } from "./job-operations";
import type { ReachOptions, Transport } from "./reach";
import { ADMIN_PERMISSIONS } from "./session-access";

/** A Cloud Run job inside the VPC does the work; nothing on this machine reaches the database. */
export function jobTransport({ stack, facts }: ReachOptions): Transport {
  const { setupJob, adminSecret } = namesOf(stack);
  return {
    preflight: (clients, _location, signal) => requirePermissions(clients, [...ADMIN_PERMISSIONS, "run.jobs.run", "run.executions.get", "run.executions.cancel", "logging.logEntries.list"], "set up the database by a job", signal),
    async open(clients, { instance, endpoint, identity }, { makeAdmin, signal }) {
      const login = { clients, stack, instance: instance.name, endpoint, probe: false };
      const admin = makeAdmin ? await ensureAdminLogin({ ...login, signal }) : await readStoredSecret(clients, adminSecret, signal);
      if (admin === undefined) return null;
      return {
        access: {
          facts,
          identity,
          endpoint,
          admin,
          secrets: secretManagerStore(clients, stack),
          storeSecrets: managedStoreSecrets(clients, stack),
          stores: [],
          serverVersion: instance.version,
          openSession: async () => {
            throw new BulkheadError("REACH_NO_SESSION", "with transport job this machine opens no session to the database", { hint: "for this command choose another way: pulumi config set --path bulkhead:reach.transport tunnel" });
          },
          operations: jobOperations({ clients, stack, job: setupJob, endpoint, repairAdmin: async (signal) => void (await ensureAdminLogin({ ...login, repair: true, signal })) }),
        },
        close: () => clients.close(),
      };
    },
  };
}

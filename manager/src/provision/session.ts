import { setTimeout as delay } from "node:timers/promises";

import type { Client } from "pg";

import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import type { ProvisionOptions } from "./options";

/** How long to wait for a free connection: other provisioners of the same admin hold theirs for well under a second. */
const WAIT_TIMEOUT_MS = 20_000;

/**
 * Opens a session of the admin. Where all connections are taken (CONNECTION LIMIT of the admin or of the database, or the server's
 * max_connections), waits for one to come free.
 *
 * @throws BulkheadError `PROVISION_NO_CONNECTION` when none came free in 20 s; else what `openSession` throws
 */
export async function openAdminSession({ openSession, signal }: Pick<ProvisionOptions, "openSession" | "signal">, database: string): Promise<Client> {
  const deadline = performance.now() + WAIT_TIMEOUT_MS;
  for (let waitMs = 20; ; waitMs = Math.min(waitMs * 2, 500)) {
    signal?.throwIfAborted();
    try {
      return await openSession(database);
    } catch (error) {
      // 53300 too_many_connections: for the role, the database or the server.
      if ((error as { code?: string }).code !== "53300") throw error;
      if (performance.now() + waitMs > deadline) {
        throw new BulkheadError("PROVISION_NO_CONNECTION", `no connection to database ${database} came free within ${WAIT_TIMEOUT_MS / 1000} s: ${messageOf(error)}`, {
          hint: "see who holds them: SELECT datname, usename, application_name, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3; end what leaks with pg_terminate_backend(pid)",
          cause: error,
        });
      }
      await delay(waitMs * (0.5 + Math.random()), undefined, signal === undefined ? {} : { signal });
    }
  }
}

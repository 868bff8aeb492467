import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import type { TierFacts } from "../../manager/src/plan/plan";
import { clientConfig, openSession } from "../../manager/src/postgres/connect";
import { fileSecretStore, fileStoreSecrets, readSecretFile } from "../../manager/src/secrets/file-store";
import { sessionOperations } from "../../manager/src/setup/operations";
import type { Store } from "../../manager/src/stores/store";
import { ADMIN_ROLE, TEMPLATE_DATABASE } from "../postgres/superuser-statements";
import type { StackConfig } from "../stack-config";
import { parseLocalConfig } from "./config";
import type { TierAccess, TierContext } from "../tier";
import { serverPaths } from "./server/paths";
import { serverStatus } from "./server/server";
import { openStores } from "./stores/local-stores";

/** Postgres keeps 3 for superusers, and the admin's own sessions outside compartments need a few. */
const RESERVED_CONNECTIONS = 20;

/** Where a stack keeps its servers, logs and secrets. */
export function stackDirectory({ root, stack }: Pick<TierContext, "root" | "stack">): string {
  return join(root, ".bulkhead", stack);
}

export function localFacts(config: StackConfig): TierFacts {
  const { maxConnections } = parseLocalConfig(config);
  return { admin: ADMIN_ROLE, template: TEMPLATE_DATABASE, maxConnections, reservedConnections: RESERVED_CONNECTIONS };
}

/**
 * The way into the server as it runs now, and into the stores beside it.
 *
 * @throws BulkheadError `TIER_NOT_RUNNING`, `ADMIN_SECRET_LOST`
 */
export async function openLocalAccess(context: TierContext): Promise<TierAccess> {
  requireRunning(context);
  return accessWith(context, await openStores({ ...context, stackDirectory: stackDirectory(context), catalog: context.catalog() }));
}

/** The same, with stores that were opened before. */
export async function accessWith(context: TierContext, stores: readonly Store[]): Promise<TierAccess> {
  const { progress } = context;
  const paths = serverPaths(stackDirectory(context));
  const { systemIdentifier, version } = requireRunning(context);
  const admin = await readSecretFile(paths.adminSecret, progress);
  if (admin === undefined) throw new BulkheadError("ADMIN_SECRET_LOST", `${paths.adminSecret} is missing or not whole`, { hint: "npm run up (it makes a new one)" });
  const endpoint = { host: admin.host, port: admin.port, ca: await readFile(paths.ca, "utf8"), caPath: paths.ca };
  const secrets = fileSecretStore(paths.secrets, progress);
  const open = (database: string): ReturnType<TierAccess["openSession"]> => openSession(clientConfig({ ...admin, dbname: database }, "bulkhead"));
  return {
    facts: localFacts(context.config),
    identity: systemIdentifier,
    endpoint,
    admin,
    secrets,
    storeSecrets: fileStoreSecrets(paths.secrets, progress),
    serverVersion: version ?? "unknown",
    openSession: open,
    operations: sessionOperations({ endpoint, secrets, openSession: open, stores }),
    stores,
  };
}

function requireRunning(context: TierContext): { readonly systemIdentifier: string; readonly version: string | undefined } {
  const { running, reason, systemIdentifier, version } = serverStatus({ directory: stackDirectory(context) });
  if (!running || systemIdentifier === undefined) throw new BulkheadError("TIER_NOT_RUNNING", `Postgres of stack ${context.stack} does not run: ${reason ?? "it was just started"}`, { hint: "npm run up" });
  return { systemIdentifier, version };
}

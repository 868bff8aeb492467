import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import type { TierFacts } from "../../manager/src/plan/plan";
import { clientConfig, openSession } from "../../manager/src/postgres/connect";
import { fileSecretStore, readSecretFile } from "../../manager/src/secrets/file-store";
import { sessionOperations } from "../../manager/src/setup/operations";
import type { StackConfig } from "../stack-config";
import { parseLocalConfig } from "./config";
import type { TierAccess, TierContext } from "../tier";
import { ADMIN_ROLE, TEMPLATE_DATABASE } from "./server/bootstrap";
import { serverPaths } from "./server/paths";
import { serverStatus } from "./server/server";

/** Postgres keeps 3 for superusers, and the admin's own sessions outside compartments need a few. */
const RESERVED_CONNECTIONS = 20;

/** Where a stack keeps its server, logs and secrets. */
export function stackDirectory({ root, stack }: Pick<TierContext, "root" | "stack">): string {
  return join(root, ".bulkhead", stack);
}

export function localFacts(config: StackConfig): TierFacts {
  const { maxConnections } = parseLocalConfig(config);
  return { admin: ADMIN_ROLE, template: TEMPLATE_DATABASE, maxConnections, reservedConnections: RESERVED_CONNECTIONS };
}

/**
 * The way into the server as it runs now.
 *
 * @throws BulkheadError `TIER_NOT_RUNNING`, `ADMIN_SECRET_LOST`
 */
export async function openLocalAccess(context: TierContext): Promise<TierAccess> {
  const directory = stackDirectory(context);
  const paths = serverPaths(directory);
  const { running, reason, systemIdentifier, version } = serverStatus({ directory });
  if (!running || systemIdentifier === undefined) throw new BulkheadError("TIER_NOT_RUNNING", `Postgres of stack ${context.stack} does not run: ${reason ?? "it was just started"}`, { hint: "npm run up" });
  const admin = await readSecretFile(paths.adminSecret, context.progress);
  if (admin === undefined) throw new BulkheadError("ADMIN_SECRET_LOST", `${paths.adminSecret} is missing or not whole`, { hint: "npm run up (it makes a new one)" });
  const endpoint = { host: admin.host, port: admin.port, ca: await readFile(paths.ca, "utf8"), caPath: paths.ca };
  const secrets = fileSecretStore(paths.secrets, context.progress);
  const open = (database: string): ReturnType<TierAccess["openSession"]> => openSession(clientConfig({ ...admin, dbname: database }, "bulkhead"));
  return {
    facts: localFacts(context.config),
    identity: systemIdentifier,
    endpoint,
    admin,
    secrets,
    serverVersion: version ?? "unknown",
    openSession: open,
    operations: sessionOperations({ endpoint, secrets, openSession: open }),
  };
}

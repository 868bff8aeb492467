import { join } from "node:path";

import { clientConfig, openSession } from "../../manager/src/postgres/connect";
import type { Catalog } from "../../manager/src/catalog/catalog";
import type { TierPlan } from "../../manager/src/plan/plan";
import { planTier } from "../../manager/src/plan/plan-tier";
import type { ProvisionOptions } from "../../manager/src/provision/options";
import { fileSecretStore } from "../../manager/src/secrets/file-store";
import type { TestServer } from "./server";

/** What provisioning needs, for a server that a test started. */
export function provisionOptions({ directory, adminSecret, host, port, ca }: TestServer): ProvisionOptions {
  return {
    openSession: (database) => openSession(clientConfig({ ...adminSecret, dbname: database }, "bulkhead test")),
    secrets: fileSecretStore(join(directory, "secrets")),
    endpoint: { host, port, ca, caPath: join(directory, "tls", "ca.crt") },
  };
}

/** The plan of a catalog on a test server. */
export function testPlan(catalog: Catalog, maxConnections = 1000): TierPlan {
  return planTier(catalog, { admin: "bulkhead_admin", template: "bulkhead_template", maxConnections, reservedConnections: 10 });
}

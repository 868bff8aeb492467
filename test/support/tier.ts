import { join } from "node:path";

import type { Client, QueryResult } from "pg";

import { clientConfig, openSession, withSession } from "../../manager/src/postgres/connect";
import type { Catalog } from "../../manager/src/catalog/catalog";
import type { TierPlan } from "../../manager/src/plan/plan";
import { planTier } from "../../manager/src/plan/plan-tier";
import type { ProvisionOptions } from "../../manager/src/provision/options";
import { fileSecretStore } from "../../manager/src/secrets/file-store";
import type { SecretRef } from "../../manager/src/secrets/secret";
import type { TestServer } from "./server";

/** What provisioning needs, for a server that a test started. */
export function provisionOptions({ directory, adminSecret, host, port, ca }: Omit<TestServer, "stop">): ProvisionOptions {
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

/** Runs statements one after the other as the tier's admin, in one session; answers with the rows of the last. */
export async function runAsAdmin({ adminSecret }: Pick<TestServer, "adminSecret">, database: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
  return withSession(clientConfig({ ...adminSecret, dbname: database }, "bulkhead test"), (client) => runAll(client, statements));
}

/** Runs statements as one of a service's logins, with the very secret that the service reads. */
export async function runAsLogin({ secrets }: Pick<ProvisionOptions, "secrets">, ref: SecretRef, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const secret = await secrets.read(ref);
  if (secret === undefined) throw new Error(`${ref.service} has no ${ref.login} secret`);
  return withSession(clientConfig(secret, "bulkhead test"), (client) => runAll(client, statements));
}

async function runAll(client: Client, statements: readonly string[]): Promise<Record<string, unknown>[]> {
  let result: QueryResult<Record<string, unknown>> | undefined;
  for (const statement of statements) result = await client.query(statement);
  return result?.rows ?? [];
}

import { existsSync } from "node:fs";

import { ComponentResource, output, runtime } from "@pulumi/pulumi";
import type { ComponentResourceOptions } from "@pulumi/pulumi";

import type { Tier, TierAccess, TierContext } from "../tier";
import { accessWith, stackDirectory } from "./access";
import { parseLocalConfig } from "./config";
import { dataDirectoryOf, serverPaths } from "./server/paths";
import { ensureServer } from "./server/server";
import { ensureStores } from "./stores/local-stores";

/** What the component shows of the server. */
interface LocalTierArgs {
  readonly host: string;
  /** Undefined in a preview before the first start. */
  readonly port: number | undefined;
}

/**
 * The embedded Postgres server as a component: the parent of nothing, but what compartments depend on. The server itself is no resource,
 * since it lives and dies with the machine, not with the state.
 */
class LocalTier extends ComponentResource {
  constructor(name: string, { host, port }: LocalTierArgs, options?: ComponentResourceOptions) {
    super("bulkhead:local:Tier", name, {}, options);
    this.registerOutputs({ host, port });
  }
}

/** The one part of the target that needs Pulumi. */
export async function createLocalTier(context: TierContext): Promise<Tier> {
  const access = await ensureAccess(context);
  // By `apply`, since `output` makes a copy of an object, and a copy has no functions.
  return { resource: new LocalTier("tier", { host: "localhost", port: access?.endpoint.port }), access: output(null).apply(() => access) };
}

/**
 * Starts the server, and the stores that services ask for, where they do not run. A preview starts stopped ones too, since only a running one can
 * be compared with the plan, but never makes a new one.
 */
async function ensureAccess(context: TierContext): Promise<TierAccess | null> {
  const directory = stackDirectory(context);
  const isPreview = runtime.isDryRun();
  if (isPreview && !existsSync(dataDirectoryOf(serverPaths(directory)))) return null;
  const stores = ensureStores({ ...context, stackDirectory: directory, catalog: context.catalog(), onlyKnown: isPreview });
  // Both to their end, so that nothing is still being started when this fails.
  const [server] = await Promise.allSettled([ensureServer({ directory, maxConnections: parseLocalConfig(context.config).maxConnections, ...context }), stores]);
  if (server.status === "rejected") throw server.reason;
  return accessWith(context, await stores);
}

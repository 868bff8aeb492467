import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";

import { runtime } from "@pulumi/pulumi";

import type { Target, TierAccess, TierContext } from "../tier";
import { localFacts, openLocalAccess, stackDirectory } from "./access";
import { dataDirectoryOf, serverPaths } from "./server/paths";
import { destroyServer, ensureServer, serverStatus, stopServer } from "./server/server";
import { LocalTier } from "./tier";

/** PostgreSQL from npm on this machine: no Docker, no account, the same roles and TLS as in the cloud. */
export const target: Target = {
  facts: localFacts,

  async createTier(context) {
    const access = await ensureAccess(context);
    return { resource: new LocalTier("tier", { host: "localhost", port: access?.endpoint.port }), access };
  },

  openAccess: openLocalAccess,

  async status(context) {
    const { running, reason, version, port } = serverStatus({ directory: stackDirectory(context) });
    return { running, reason, version, host: "localhost", port };
  },

  stop: (context) => stopServer({ directory: stackDirectory(context), ...context }),

  async remove(context) {
    const directory = stackDirectory(context);
    await destroyServer({ directory, ...context });
    await rm(directory, { recursive: true, force: true });
  },
};

/**
 * Starts the server where it does not run. A preview starts a stopped one too, since only a running one can be compared with the plan, but
 * never makes a new one.
 */
async function ensureAccess(context: TierContext): Promise<TierAccess | null> {
  const directory = stackDirectory(context);
  if (runtime.isDryRun() && !existsSync(dataDirectoryOf(serverPaths(directory)))) return null;
  await ensureServer({ directory, maxConnections: context.config.maxConnections, ...context });
  return openLocalAccess(context);
}

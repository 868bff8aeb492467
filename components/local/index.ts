import { rm } from "node:fs/promises";

import type { Target } from "../tier";
import { localFacts, openLocalAccess, stackDirectory } from "./access";
import { destroyServer, serverStatus, stopServer } from "./server/server";

/** PostgreSQL from npm on this machine: no Docker, no account, the same roles and TLS as in the cloud. */
export const target: Target = {
  stateBackend: null,
  policies: () => null,

  facts: localFacts,

  // Loaded when it is called: Pulumi's SDK takes half a second, and `status` or `conn` need nothing of it.
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() TypeScript
  createTier: (context) => (require("./tier") as typeof import("./tier")).createLocalTier(context),

  openAccess: openLocalAccess,

  async status(context) {
    const { running, reason, version, port } = serverStatus({ directory: stackDirectory(context) });
    return { running, reason, version, host: "localhost", port };
  },

  // Nothing is made here that cannot be made again; the data are asked for by name.
  requireDestroyable: () => {},

  stop: (context) => stopServer({ directory: stackDirectory(context), ...context }),

  async remove(context) {
    const directory = stackDirectory(context);
    await destroyServer({ directory, ...context });
    await rm(directory, { recursive: true, force: true });
  },
};

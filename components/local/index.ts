import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";

import { STORE_KINDS } from "../../manager/src/stores/store-secret";
import type { Target } from "../tier";
import { localFacts, openLocalAccess, stackDirectory } from "./access";
import { localLogs } from "./logs";
import { destroyServer, serverStatus, stopServer } from "./server/server";
import { destroyStores, stopStores } from "./stores/local-stores";

/** Where the docker target keeps its files of the same stack. */
const OTHER_TARGETS_FOLDER = "docker";

/** PostgreSQL from npm on this machine, and Redis and ClickHouse where this machine has them: no Docker, no account, the same roles and TLS as in the cloud. */
export const target: Target = {
  stateBackend: null,
  policies: () => null,
  // Its one component has nothing that could be looked at.
  refresh: false,
  stores: STORE_KINDS,

  facts: localFacts,

  // Loaded when it is called: Pulumi's SDK takes a while, and `status` or `conn` need nothing of it.
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() TypeScript
  loadTier: () => (require("./tier") as typeof import("./tier")).createLocalTier,

  openAccess: openLocalAccess,

  async status(context) {
    const { running, reason, version, port } = serverStatus({ directory: stackDirectory(context) });
    return { running, reason, version, host: "localhost", port };
  },

  logs: localLogs,

  // Nothing is made here that cannot be made again; the data are asked for by name.
  requireDestroyable: () => {},

  // The program starts the server by itself.
  start: async () => {},

  async stop(context) {
    const directory = stackDirectory(context);
    // All to their end, also where one cannot be stopped.
    const stopped = await Promise.allSettled([stopServer({ directory, ...context }), stopStores({ stackDirectory: directory, ...context })]);
    for (const result of stopped) if (result.status === "rejected") throw result.reason;
    return stopped.some((result) => result.status === "fulfilled" && result.value);
  },

  async remove(context) {
    const directory = stackDirectory(context);
    // Stores first: what is kept outside the checkout goes with the server's data.
    await destroyStores({ stackDirectory: directory, ...context });
    await destroyServer({ directory, ...context });
    // All but what another target of the same stack keeps: its files belong to data that are elsewhere.
    for (const name of await readdir(directory).catch(() => [])) if (name !== OTHER_TARGETS_FOLDER) await rm(join(directory, name), { recursive: true, force: true });
    await rmdir(directory).catch(() => undefined);
  },
};

import { existsSync } from "node:fs";

import { BulkheadError, messageOf } from "../../../manager/src/errors/bulkhead-error";
import type { Catalog } from "../../../manager/src/catalog/catalog";
import type { Store, StoreAbsence } from "../../../manager/src/stores/store";
import { STORE_KINDS } from "../../../manager/src/stores/store-secret";
import type { StoreKind } from "../../../manager/src/stores/store-secret";
import { dataDirectoryOf, serverPaths } from "../server/paths";
import { ensureStore, lookAtStore } from "./ensure-store";
import type { RunningStore } from "./examine-store";
import { destroyStore, stopStore } from "./stop-store";
import type { StopStoreOptions } from "./stop-store";
import { storePaths } from "./store-paths";
import { isAbsence } from "./store-server";
import type { StoreServer } from "./store-server";

/** Loaded when it is called: a stack of which no service asks for a store does not wait for any of it. */
/* eslint-disable @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() TypeScript */
const SERVERS: Readonly<Record<StoreKind, () => StoreServer>> = {
  redis: () => (require("./redis-server") as typeof import("./redis-server")).REDIS_SERVER,
  clickhouse: () => (require("./clickhouse-server") as typeof import("./clickhouse-server")).CLICKHOUSE_SERVER,
};
/* eslint-enable @typescript-eslint/no-require-imports */

/** What the stores of a stack are opened with. */
export interface LocalStoresOptions {
  /** `.bulkhead/<stack>`. */
  readonly stackDirectory: string;
  readonly catalog: Catalog;
  readonly progress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts the stores that services ask for, side by side, and stops those that none asks for any more. `onlyKnown`: starts what was stopped and makes none,
 * as a preview does. What cannot be started is absent. Rejects with the signal's reason only.
 */
export function ensureStores(options: LocalStoresOptions & { readonly onlyKnown: boolean }): Promise<readonly Store[]> {
  const { stackDirectory, catalog, onlyKnown, progress } = options;
  return Promise.all(
    STORE_KINDS.map(async (kind) => {
      const services = servicesOf(catalog, kind);
      const isMade = existsSync(dataDirectoryOf(storePaths(stackDirectory, kind)));
      if (services.length > 0) return [storeOf(SERVERS[kind](), services, await (isMade || !onlyKnown ? ensureStore : lookAtStore)(SERVERS[kind](), options), options)];
      // A server that nobody asked for and that does not stop is told of, and keeps nobody from anything.
      if (isMade && !onlyKnown) await stopStore(SERVERS[kind](), options).catch((error: unknown) => progress(`${kind}, which no service asks for, was not stopped: ${messageOf(error)}`));
      return [];
    }),
  ).then((stores) => stores.flat());
}

/** The stores that services ask for, as they are now. */
export function openStores(options: LocalStoresOptions): Promise<readonly Store[]> {
  const asked = STORE_KINDS.map((kind) => ({ kind, services: servicesOf(options.catalog, kind) })).filter(({ services }) => services.length > 0);
  return Promise.all(asked.map(async ({ kind, services }) => storeOf(SERVERS[kind](), services, await lookAtStore(SERVERS[kind](), options), options)));
}

/** Stops all servers, and keeps their data. False when none was running. */
export async function stopStores(options: StopStoreOptions): Promise<boolean> {
  // All to their end, also where one cannot be stopped.
  const stopped = await Promise.allSettled(madeIn(options).map((server) => stopStore(server, options)));
  for (const result of stopped) if (result.status === "rejected") throw result.reason;
  return stopped.some((result) => result.status === "fulfilled" && result.value);
}

/** Stops all servers and removes their data for good. */
export async function destroyStores(options: StopStoreOptions): Promise<void> {
  await Promise.all(madeIn(options).map((server) => destroyStore(server, options)));
}

function madeIn({ stackDirectory }: Pick<StopStoreOptions, "stackDirectory">): StoreServer[] {
  return STORE_KINDS.filter((kind) => existsSync(storePaths(stackDirectory, kind).directory)).map((kind) => SERVERS[kind]());
}

function servicesOf({ services }: Catalog, kind: StoreKind): string[] {
  return services.filter((service) => service[kind]).map(({ name }) => name);
}

function storeOf(server: StoreServer, services: readonly string[], found: RunningStore | StoreAbsence, { stackDirectory, progress }: LocalStoresOptions): Store {
  if (isAbsence(found)) return absentStore(server, services, found);
  const { host, port, ca, dataDirectory } = found;
  return server.open({ dataDirectory, secrets: serverPaths(stackDirectory).secrets, progress }, { host, port, ca }, services);
}

/** There is nothing to look at, to set up or to try. */
function absentStore({ kind, title }: StoreServer, services: readonly string[], absence: StoreAbsence): Store {
  return {
    kind,
    services,
    absence,
    observe: () => Promise.resolve({ token: null, findings: [] }),
    setUp: () => Promise.reject(new BulkheadError("STORE_ABSENT", `${title} cannot be set up: ${absence.reason}`, { hint: absence.fix })),
    validate: () => Promise.resolve([]),
  };
}

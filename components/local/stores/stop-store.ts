import { existsSync, rmSync } from "node:fs";

import { withProcessLock } from "../process-lock";
import { notedProcess, removeProcessNote } from "../processes/process-note";
import { stopProcess } from "../processes/stop-process";
import { dataDirectoryOf } from "../server/paths";
import { processesOf } from "../server/running-process";
import { explained } from "../server/server-errors";
import { LOCK_WAIT_MS } from "./lock-wait";
import { storePaths } from "./store-paths";
import type { StorePaths } from "./store-paths";
import type { StoreServer } from "./store-server";

/** What `stopStore` and `destroyStore` are told. */
export interface StopStoreOptions {
  /** `.bulkhead/<stack>`. */
  readonly stackDirectory: string;
  readonly progress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Stops a store's server, and keeps its data. False when it was not running.
 *
 * @throws BulkheadError `SERVER_STOP_FAILED`, `SERVER_STOP_DENIED`, `LOCK_HELD`
 */
export async function stopStore(server: StoreServer, { stackDirectory, progress, signal }: StopStoreOptions): Promise<boolean> {
  const paths = storePaths(stackDirectory, server.kind);
  if (!existsSync(paths.directory)) return false;
  return withProcessLock(paths.lock, { waitMs: LOCK_WAIT_MS, label: `stopping ${server.title}`, progress, signal }, () => endStore(server, paths, progress)).catch((error: unknown) => {
    throw explained(error, `${server.title} could not be stopped`);
  });
}

/** Stops a store's server and removes its data, log and configuration for good, also where they are kept outside the checkout. */
export async function destroyStore(server: StoreServer, { stackDirectory, progress, signal }: StopStoreOptions): Promise<void> {
  const paths = storePaths(stackDirectory, server.kind);
  if (!existsSync(paths.directory)) return;
  await withProcessLock(paths.lock, { waitMs: LOCK_WAIT_MS, label: `removing ${server.title}`, progress, signal }, async () => {
    await endStore(server, paths, progress);
    // The link last, so that a run that was killed before this finds its way to the data again.
    rmSync(dataDirectoryOf(paths), { recursive: true, force: true });
    rmSync(paths.directory, { recursive: true, force: true });
  }).catch((error: unknown) => {
    throw explained(error, `the data of ${server.title} could not be removed`);
  });
}

/** Ends the noted process, and what a killed command started and could not write down. The caller holds the store's lock. False when there was none. */
export async function endStore(server: StoreServer, paths: StorePaths, progress: (line: string) => void): Promise<boolean> {
  const noted = notedProcess(paths.process);
  const processes = new Set([...(noted === undefined ? [] : [noted]), ...processesOf(dataDirectoryOf(paths), server.isServer)]);
  for (const pid of processes) await stopProcess({ pid, title: server.title, steps: server.stopSteps, progress });
  removeProcessNote(paths.process);
  return processes.size > 0;
}

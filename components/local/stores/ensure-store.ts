import { existsSync } from "node:fs";

import { BulkheadError, messageOf } from "../../../manager/src/errors/bulkhead-error";
import type { StoreAbsence } from "../../../manager/src/stores/store";
import { makeDirectory } from "../../write-file";
import { withProcessLock } from "../process-lock";
import { trimLog } from "../processes/server-log";
import { dataDirectoryOf, serverPaths } from "../server/paths";
import { placeData } from "../server/placement";
import { rememberedPort } from "../server/port";
import { chooseIdentities } from "../server/run-as";
import { explained } from "../server/server-errors";
import { ensureTls, readTls } from "../server/tls";
import { examineStore } from "./examine-store";
import type { RunningStore } from "./examine-store";
import { LOCK_WAIT_MS } from "./lock-wait";
import { startStore, START_TIMEOUT_MS, waitForStore } from "./start-store";
import { endStore } from "./stop-store";
import type { StorePaths } from "./store-paths";
import { storePaths } from "./store-paths";
import { isAbsence } from "./store-server";
import type { StoreProgram, StoreServer } from "./store-server";

/** What `ensureStore` is told. */
export interface EnsureStoreOptions {
  /** `.bulkhead/<stack>`. */
  readonly stackDirectory: string;
  /** Port of the very first start. Default: the server's usual one. */
  readonly preferredPort?: number | undefined;
  readonly progress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sees to it that a store's server runs, or says why it does not: a stack does without. Cheap when all is well. Safe to call from several
 * processes at once, and to kill at any moment. Rejects with the signal's reason only.
 */
export async function ensureStore(server: StoreServer, options: EnsureStoreOptions): Promise<RunningStore | StoreAbsence> {
  const { stackDirectory, progress, signal } = options;
  const paths = storePaths(stackDirectory, server.kind);
  try {
    const first = await examineStore(server, paths, options);
    if (first.kind === "fit") {
      trimLog(paths);
      return first.running;
    }
    // Asked before anything is made: many machines have none. Also where one runs that is not as it should be: it is worth more than none.
    const program = await server.findProgram(signal);
    if (isAbsence(program)) return program;
    makeDirectory(paths.directory, { mode: 0o755, owner: chooseIdentities(paths.directory, paths.dataLink).files });
    return await withProcessLock(paths.lock, { waitMs: LOCK_WAIT_MS, label: `starting ${server.title}`, progress, signal }, () => bringUpStore(server, program, paths, options));
  } catch (error) {
    signal?.throwIfAborted();
    return absenceOf(explained(error, `${server.title} could not be started`));
  }
}

/** Looks at a store's server, and starts nothing. */
export async function lookAtStore(server: StoreServer, options: Omit<EnsureStoreOptions, "preferredPort">): Promise<RunningStore | StoreAbsence> {
  const { stackDirectory, signal } = options;
  const paths = storePaths(stackDirectory, server.kind);
  const state = await examineStore(server, paths, options);
  if (state.kind === "fit") return state.running;
  if (state.kind === "busy") return { reason: `${server.title} (process ${state.pid}) is starting`, fix: "npm run up" };
  if (state.kind === "unfit") return { reason: `${server.title} runs, but ${state.why}`, fix: "npm run up" };
  const program = await server.findProgram(signal);
  if (isAbsence(program)) return program;
  return { reason: `${server.title} does not run: ${existsSync(dataDirectoryOf(paths)) ? "it was stopped" : "it was not made yet"}`, fix: "npm run up" };
}

async function bringUpStore(server: StoreServer, program: StoreProgram, paths: StorePaths, options: EnsureStoreOptions): Promise<RunningStore> {
  const { preferredPort, progress, signal } = options;
  const stack = serverPaths(paths.stackDirectory);
  let now = await examineStore(server, paths, options);
  if (now.kind === "busy") {
    const [port, tls] = [rememberedPort(paths), readTls(stack)];
    if (port !== undefined && tls !== undefined && (await waitForStore(port, tls.ca, signal))) now = await examineStore(server, paths, options);
    signal?.throwIfAborted();
  }
  if (now.kind === "fit") return now.running;
  if (now.kind !== "down") progress(`restarting ${server.title}: ${now.kind === "busy" ? `it does not listen after ${START_TIMEOUT_MS / 1000} s` : now.why}`);
  const dataDirectory = placeData({ directory: paths.stackDirectory, dataLink: paths.dataLink, name: server.kind, title: server.title }, chooseIdentities(paths.directory, dataDirectoryOf(paths)).server, progress);
  await endStore(server, paths, progress);
  // Asked again: data that was taken up may belong to another user than new data would.
  const identities = chooseIdentities(paths.directory, dataDirectory);
  makeDirectory(stack.secrets, { mode: 0o700, owner: identities.files });
  const tls = await ensureTls(stack, identities.files, progress, signal);
  return startStore({ server, program, paths, secrets: stack.secrets, dataDirectory, tls, identities, preferredPort: preferredPort ?? server.preferredPort, progress, signal });
}

function absenceOf(error: unknown): StoreAbsence {
  return { reason: messageOf(error), fix: (error instanceof BulkheadError ? error.hint : undefined) ?? "npm run doctor" };
}

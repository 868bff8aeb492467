import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { withProcessLock } from "../process-lock";
import { trimLog } from "../processes/server-log";
import { examine, examineWhenSettled } from "./examine";
import { findBinaries } from "./binaries";
import { readSystemIdentifier, removeDataDirectory } from "./data-directory";
import { dataDirectoryOf, serverPaths } from "./paths";
import { externalDirectoryOf, place } from "./placement";
import { readPidFile } from "./pid-file";
import { rememberedPort } from "./port";
import { runningPostmaster, stopPostmaster } from "./postmaster";
import { chooseIdentities } from "./run-as";
import { explained } from "./server-errors";
import { bringUp } from "./bring-up";
import { makeDirectory } from "../../write-file";

/** What `ensureServer` is told. */
export interface EnsureServerOptions {
  /** `.bulkhead/<stack>`: data, log, certificates and secrets live in it. Made where it is missing. */
  readonly directory: string;
  /** Name of the Pulumi stack, for messages. */
  readonly stack: string;
  /** Postgres' `max_connections`; three of them are kept for the admin. Another number than the running server's restarts it. */
  readonly maxConnections: number;
  /** Told, a line at a time, what is being done when it is more than looking. */
  readonly progress: (line: string) => void;
  /** Stops a start that is under way and leaves nothing half-made. */
  readonly signal?: AbortSignal | undefined;
  /** Port of the very first start; a taken one is passed over for the next free one. Default 5432. Later starts use the remembered port. */
  readonly preferredPort?: number | undefined;
  /** `off` trades crash safety for speed: for test databases only. Default `on`. */
  readonly durability?: "on" | "off" | undefined;
}

/** A server that takes connections. */
export interface RunningServer {
  readonly host: "localhost";
  readonly port: number;
  /** Given by initdb: tells this server's data from any other's, also after they were made anew. */
  readonly systemIdentifier: string;
  /** e.g. `17.10`. */
  readonly version: string;
  /** Whether this call started it. */
  readonly started: boolean;
  /** Whether this call made its data directory. */
  readonly initialised: boolean;
  /** Absolute path of the authority's certificate. */
  readonly caPath: string;
  /** Of the postmaster. */
  readonly pid: number;
}

/** What there is to say about a server without touching it. */
export interface ServerStatus {
  /** Whether its main process runs and takes connections. */
  readonly running: boolean;
  /** Why it does not run; undefined when it does. */
  readonly reason: string | undefined;
  readonly pid: number | undefined;
  /** Of the running server, else the remembered one. */
  readonly port: number | undefined;
  /** Undefined where there is no data. */
  readonly version: string | undefined;
  readonly systemIdentifier: string | undefined;
}

/** How long one command waits for another that starts, stops or removes the same server: two slow starts. */
const LOCK_WAIT_MS = 130_000;

/**
 * Sees to it that the stack's Postgres runs, with this configuration and with an admin secret that works, making whatever is missing and
 * mending whatever is broken on the way. Cheap when all is well. Safe to call from several processes at once, and to kill at any moment.
 * Data is never removed.
 * @throws BulkheadError with a `SERVER_…` code, or `LOCK_HELD`.
 */
export async function ensureServer(options: EnsureServerOptions): Promise<RunningServer> {
  const paths = serverPaths(options.directory);
  const { progress, signal, stack } = options;
  try {
    signal?.throwIfAborted();
    const binaries = findBinaries();
    const wanted = { maxConnections: options.maxConnections, durability: options.durability ?? "on", version: binaries.version };
    const first = await examine(paths, wanted);
    if (first.kind === "fit") {
      trimLog(paths);
      return { ...first.server, started: false, initialised: false };
    }
    makeDirectory(paths.directory, { mode: 0o755, owner: chooseIdentities(paths.directory, paths.dataLink).files });
    return await withProcessLock(paths.lock, { waitMs: LOCK_WAIT_MS, label: `starting Postgres of stack ${stack}`, progress, signal }, async () => {
      const placement = place(paths, binaries, chooseIdentities(paths.directory, dataDirectoryOf(paths)).server, progress);
      // Asked again: data that was taken up may belong to another user than new data would.
      const identities = chooseIdentities(paths.directory, placement.dataDirectory);
      const now = await examineWhenSettled(paths, wanted, signal);
      if (now.kind === "fit") return { ...now.server, started: false, initialised: false };
      if (now.kind === "unfit") {
        progress(`restarting Postgres: ${now.why}`);
        await stopPostmaster(placement.dataDirectory, progress);
      }
      return bringUp({ paths, placement, identities, wanted, preferredPort: options.preferredPort ?? 5432, progress, signal });
    });
  } catch (error) {
    throw explained(error, `Postgres of stack ${stack} could not be started`);
  }
}

/** Looks at the server without side effects and without connecting to it. */
export function serverStatus({ directory }: { readonly directory: string }): ServerStatus {
  const paths = serverPaths(directory);
  const dataDirectory = dataDirectoryOf(paths);
  const running = runningPostmaster(dataDirectory);
  const ready = running?.status === "ready";
  return {
    running: ready,
    reason: ready ? undefined : whyNotRunning(dataDirectory, running?.status),
    pid: running?.pid,
    port: running?.port ?? rememberedPort(paths),
    version: readable(() => /PostgreSQL (\S+)/.exec(readFileSync(join(dataDirectory, "postgresql.conf"), "utf8"))?.[1]),
    systemIdentifier: readable(() => readSystemIdentifier(dataDirectory)),
  };
}

/** What `stopServer` and `destroyServer` are told. */
export interface StopServerOptions {
  readonly directory: string;
  readonly progress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Stops the server, and keeps its data: fast first, harder when it does not listen. False when it was not running.
 * @throws BulkheadError `SERVER_STOP_FAILED`, `SERVER_STOP_DENIED`, `SERVER_ORPHANS`, `LOCK_HELD`.
 */
export async function stopServer({ directory, progress, signal }: StopServerOptions): Promise<boolean> {
  const paths = serverPaths(directory);
  if (!existsSync(paths.directory)) return false;
  return withProcessLock(paths.lock, { waitMs: LOCK_WAIT_MS, label: "stopping Postgres", progress, signal }, () => stopPostmaster(dataDirectoryOf(paths), progress)).catch((error: unknown) => {
    throw explained(error, "Postgres could not be stopped");
  });
}

/**
 * Stops the server and removes its data, log, certificates, remembered port and admin secret for good, also where the data is kept outside
 * the checkout. Asks nobody: that is the caller's part. What else is in the stack directory stays.
 */
export async function destroyServer({ directory, progress, signal }: StopServerOptions): Promise<void> {
  const paths = serverPaths(directory);
  if (!existsSync(paths.directory)) return;
  await withProcessLock(paths.lock, { waitMs: LOCK_WAIT_MS, label: "removing Postgres", progress, signal }, async () => {
    const dataDirectory = dataDirectoryOf(paths);
    await stopPostmaster(dataDirectory, progress);
    await removeDataDirectory(dataDirectory);
    const external = externalDirectoryOf(dataDirectory);
    if (external !== undefined) rmSync(external, { recursive: true, force: true });
    // Last, so that a run that was killed before this finds its way to the data again.
    for (const path of [paths.dataLink, paths.port, paths.log, paths.oldLog, paths.adminSecret]) rmSync(path, { force: true });
    rmSync(paths.tls, { recursive: true, force: true });
  }).catch((error: unknown) => {
    throw explained(error, "Postgres' data could not be removed");
  });
}

function whyNotRunning(dataDirectory: string, status: string | undefined): string {
  if (status !== undefined) return status === "stopping" ? "it is shutting down" : "it is starting, or repairing its data after a crash";
  if (!existsSync(dataDirectory)) return "there is no data yet";
  try {
    readFileSync(join(dataDirectory, "PG_VERSION"));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EACCES" ? "its data belongs to another user, who has to be asked" : "what is there is no Postgres data";
  }
  return readPidFile(dataDirectory) === undefined ? "it was stopped" : "it was killed, or the machine was restarted";
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import type { Binaries } from "./binaries";
import { bootstrap } from "./bootstrap";
import { pgHbaConf, postgresqlConf } from "./config";
import type { ServerSettings } from "./config";
import { runProgram } from "./run-program";
import { diskError, lastLines, unknownUser } from "./server-errors";
import type { Owner } from "../../write-file";
import { flushDirectory, makeDirectory, writeFileAtomically } from "../../write-file";

const INITDB_TIMEOUT_MS = 120_000;

/** What `createCluster` makes. */
export interface ClusterOptions {
  readonly dataDirectory: string;
  readonly binaries: Binaries;
  readonly settings: ServerSettings;
  /** Whom Postgres runs as; undefined where it is the caller. */
  readonly owner: Owner | undefined;
  /** SCRAM verifier of `bulkhead_admin`. */
  readonly adminVerifier: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a data directory with everything in it that takes a superuser. It is built beside its place and renamed into it at the end:
 * it is there whole, or not at all, whenever the command or the machine dies.
 */
export async function createCluster(options: ClusterOptions): Promise<void> {
  const { dataDirectory, binaries, settings, owner, adminVerifier, signal } = options;
  const draft = `${dataDirectory}.partial.${randomBytes(4).toString("hex")}`;
  try {
    makeDirectory(dirname(dataDirectory), { mode: 0o755 });
    mkdirSync(draft);
    chmodSync(draft, 0o700);
    if (owner !== undefined) chownSync(draft, owner.uid, owner.gid);
    await initdb({ draft, binaries, owner, flush: settings.durability === "on", signal });
    await spreadDatabases(draft, owner);
    writeConfiguration(draft, settings, owner);
    await bootstrap({ dataDirectory: draft, binaries, owner, adminVerifier, signal });
    // An empty folder in its place gives way; anything else there was refused before.
    renameSync(draft, dataDirectory);
    flushDirectory(dirname(dataDirectory));
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw diskError(error, "The data directory could not be made") ?? error;
  }
}

/**
 * Tells ext4 to give each database's folder a group of inodes of its own (`chattr +T`). Without a journal it is slow to take inodes that were just
 * freed, so that making databases after others were dropped took several times as long. Best effort: elsewhere it means nothing.
 */
async function spreadDatabases(dataDirectory: string, owner: Owner | undefined): Promise<void> {
  if (process.platform !== "linux") return;
  await runProgram("chattr", ["+T", join(dataDirectory, "base")], { owner, timeoutMs: 5_000 }).catch(() => undefined);
}

/** Writes both configuration files as they have to be; the server must be stopped, or restarted afterwards. */
export function writeConfiguration(dataDirectory: string, settings: ServerSettings, owner: Owner | undefined): void {
  writeFileAtomically(join(dataDirectory, "postgresql.conf"), postgresqlConf(settings), { mode: 0o600, owner });
  writeFileAtomically(join(dataDirectory, "pg_hba.conf"), pgHbaConf(), { mode: 0o600, owner });
}

interface InitdbOptions {
  readonly draft: string;
  readonly binaries: Binaries;
  readonly owner: Owner | undefined;
  readonly flush: boolean;
  readonly signal: AbortSignal | undefined;
}

async function initdb({ draft, binaries, owner, flush, signal }: InitdbOptions): Promise<void> {
  const args = [
    `--pgdata=${draft}`,
    "--username=postgres",
    "--encoding=UTF8",
    // Postgres' own C.UTF-8, which sorts the same on every machine whatever locales it has.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--text-search-config=english",
    "--data-checksums",
    "--auth=reject",
    "--no-instructions",
    ...(flush ? [] : ["--no-sync"]),
  ];
  const result = await runProgram(binaries.initdb, args, { owner, timeoutMs: INITDB_TIMEOUT_MS, signal });
  if (result.exitCode === 0) return;
  throw diskError(result.stderr, "initdb could not make the data directory") ?? unknownUser(result.stderr) ?? initdbFailed(result.exitCode, result.stderr, binaries);
}

function initdbFailed(exitCode: number | null, stderr: string, binaries: Binaries): BulkheadError {
  return new BulkheadError("SERVER_INITDB_FAILED", `initdb ended with ${exitCode ?? "a signal"}:\n${lastLines(stderr)}`, { hint: `Try it by hand: ${binaries.initdb} --version` });
}

import { createHash, randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { binariesIn } from "./binaries";
import type { Binaries } from "./binaries";
import type { ServerPaths } from "./paths";
import { dataDirectoryOf } from "./paths";
import { canReach } from "./run-as";
import type { Owner } from "./write-file";
import { makeDirectory, writeFileAtomically } from "./write-file";

/** Where data and programs are kept when the user whom Postgres runs as cannot reach the checkout. Root only. */
const EXTERNAL_ROOT = "/var/lib/bulkhead";

/** Where the server's data and programs are. */
export interface Placement {
  readonly dataDirectory: string;
  readonly binaries: Binaries;
}

/**
 * Decides where data and programs are, and makes the link and the copy that this needs. An ordinary user has both in the checkout. Root
 * runs Postgres as somebody else, who may not get through a folder above the checkout (`/root`, a `mktemp -d`): then data is kept under
 * `/var/lib/bulkhead`, named by the checkout, with `data` in the stack directory a link to it, and the programs are copied beside it.
 * Data found there for a checkout that lost its `.bulkhead` is taken up again.
 */
export function place(paths: ServerPaths, binaries: Binaries, server: Owner | undefined, progress: (line: string) => void): Placement {
  const dataDirectory = server === undefined ? dataDirectoryOf(paths) : placeData(paths, server, progress);
  return { dataDirectory, binaries: server === undefined ? binaries : placeBinaries(binaries, server, progress) };
}

function placeData(paths: ServerPaths, server: Owner, progress: (line: string) => void): string {
  const linked = dataDirectoryOf(paths);
  const external = externalDirectory(paths.directory);
  if (linked !== paths.dataLink) {
    // The checkout may have been moved with its link; from now on the data is this one's.
    if (isExternalData(linked) && existsSync(dirname(linked))) claim(dirname(linked), paths.directory);
    return linked;
  }
  const adopted = !existsSync(paths.dataLink) && existsSync(join(external, "data"));
  if (!adopted && canReach(paths.directory, server)) return paths.dataLink;
  if (!adopted && existsSync(paths.dataLink)) return paths.dataLink;
  makeDirectory(external, { mode: 0o755 });
  claim(external, paths.directory);
  symlinkSync(join(external, "data"), paths.dataLink);
  progress(adopted ? `taking up the data of this checkout that is kept in ${external}` : `keeping the data in ${external}: user ${server.uid}, whom Postgres runs as, cannot reach ${paths.directory}`);
  return join(external, "data");
}

/** What is left to remove when the data of a stack is destroyed: the folder that `placeData` made, if it made one. */
export function externalDirectoryOf(dataDirectory: string): string | undefined {
  return isExternalData(dataDirectory) ? dirname(dataDirectory) : undefined;
}

function isExternalData(dataDirectory: string): boolean {
  return dirname(dirname(dataDirectory)) === EXTERNAL_ROOT;
}

/** This stack's folder outside the checkout: named by the checkout, and by a number where a checkout that was moved away still has that name. */
function externalDirectory(stackDirectory: string): string {
  const stack = realpathSync(stackDirectory);
  const name = join(EXTERNAL_ROOT, createHash("sha256").update(stack).digest("hex").slice(0, 16));
  for (let number = 1; ; number++) {
    const external = number === 1 ? name : `${name}-${number}`;
    if (!existsSync(external) || claimant(external) === stack || isUnused(external)) return external;
  }
}

/** Made by a run that was killed before it wrote down for whom. */
function isUnused(external: string): boolean {
  return claimant(external) === undefined && !existsSync(join(external, "data"));
}

function claim(external: string, stackDirectory: string): void {
  const text = `${realpathSync(stackDirectory)}\n`;
  if (claimant(external) !== text.trimEnd()) writeFileAtomically(join(external, "stack-directory"), text, { mode: 0o644 });
}

function claimant(external: string): string | undefined {
  try {
    return readFileSync(join(external, "stack-directory"), "utf8").trimEnd();
  } catch {
    return undefined;
  }
}

function placeBinaries(binaries: Binaries, server: Owner, progress: (line: string) => void): Binaries {
  if (canReach(binaries.directory, server) && canReach(binaries.postgres, server)) return binaries;
  const directory = join(EXTERNAL_ROOT, `postgres-${binaries.version}`);
  if (!existsSync(directory)) {
    progress(`copying Postgres to ${directory}: user ${server.uid} cannot reach ${binaries.directory}`);
    copyWhole(binaries.directory, directory);
  }
  return binariesIn(directory, binaries.version);
}

/** Copies under another name first, so that the folder is there whole or not at all; another process may win the race to it. */
function copyWhole(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o755 });
  for (const name of readdirSync(dirname(to))) {
    if (name.startsWith(".copy.") && isOld(join(dirname(to), name))) rmSync(join(dirname(to), name), { recursive: true, force: true });
  }
  const draft = join(dirname(to), `.copy.${randomBytes(6).toString("hex")}`);
  try {
    cpSync(from, draft, { recursive: true, verbatimSymlinks: true });
    renameSync(draft, to);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(to)) throw error;
  }
}

/** A copy that nobody can still be working on: its maker was killed. */
function isOld(draft: string): boolean {
  return Date.now() - statSync(draft).mtimeMs > 3_600_000;
}

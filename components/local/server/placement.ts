import { createHash, randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { binariesIn } from "./binaries";
import type { Binaries } from "./binaries";
import type { ServerPaths } from "./paths";
import { dataDirectoryOf } from "./paths";
import { canReach } from "./run-as";
import type { Owner } from "../../write-file";
import { makeDirectory, writeFileAtomically } from "../../write-file";

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
  const dataDirectory = placeData({ ...paths, name: "data", title: "Postgres" }, server, progress);
  return { dataDirectory, binaries: server === undefined ? binaries : placeBinaries(binaries, server, progress) };
}

/** Whose data is placed. */
export interface DataPlace {
  /** `.bulkhead/<stack>`. */
  readonly directory: string;
  /** The data directory as the stack names it. */
  readonly dataLink: string;
  /** What the data directory is called where it is kept outside the checkout. */
  readonly name: string;
  /** For messages: `Postgres`. */
  readonly title: string;
}

/** The data directory of one of a stack's servers, and the link that it needs. `server`: whom the server runs as; undefined: as the caller. */
export function placeData({ directory, dataLink, name, title }: DataPlace, server: Owner | undefined, progress: (line: string) => void): string {
  const linked = dataDirectoryOf({ dataLink });
  if (server === undefined) return linked;
  const external = externalDirectory(directory);
  if (linked !== dataLink) {
    // The checkout may have been moved with its link; from now on the data is this one's.
    if (isExternalData(linked) && existsSync(dirname(linked))) claim(dirname(linked), directory);
    return linked;
  }
  const data = join(external, name);
  const adopted = !existsSync(dataLink) && existsSync(data);
  if (!adopted && canReach(directory, server)) return dataLink;
  if (!adopted && existsSync(dataLink)) return dataLink;
  makeDirectory(external, { mode: 0o755 });
  claim(external, directory);
  symlinkSync(data, dataLink);
  progress(adopted ? `taking up the data of this checkout that is kept in ${external}` : `keeping the data in ${external}: user ${server.uid}, whom ${title} runs as, cannot reach ${directory}`);
  return data;
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

import { access, chmod, constants, copyFile, readFile, rename, rm } from "node:fs/promises";
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import path from "node:path";
import { randomUUID } from "node:crypto";
import { isExecutableFile, pathFolders } from "./locations";
import type { Environment } from "./locations";

/**
 * Which Node.js language host a CLI uses: one that came with it, one from PATH, the stand-in of this repository, or none.
 * Without one only the `bulkhead` commands work (they run the program themselves), not a plain `pulumi up`.
 */
export type LanguageHost = "bundled" | "path" | "stand-in" | "none";

const HOST_NAME = process.platform === "win32" ? "pulumi-language-nodejs.exe" : "pulumi-language-nodejs";
const STAND_IN_SOURCE = path.join(__dirname, "pulumi-language-nodejs.cjs");
const STAND_IN_MARK = "bulkhead stand-in for pulumi-language-nodejs";

/** Written beside a CLI that was built here; only beside such a one is the stand-in put. */
export const BUILT_HERE_MARK = "pulumi.built-from-modules";

/** The language host of the CLI in `binFolder`: what is beside it, else what PATH has. */
export function languageHostOf(binFolder: string, env: Environment): LanguageHost {
  const beside = path.join(binFolder, HOST_NAME);
  if (isExecutableFile(beside)) return isStandIn(beside) ? "stand-in" : "bundled";
  return pathFolders(env).some((folder) => isExecutableFile(path.join(folder, HOST_NAME))) ? "path" : "none";
}

/**
 * Puts the stand-in language host beside the CLI in `binFolder`, or refreshes the one that is there. Does nothing unless that CLI was
 * built by this repository and has no language host of its own, nor where the folder is another user's.
 * Windows can start no script as a language host; there it is left out.
 */
export async function placeStandIn(binFolder: string, env: Environment): Promise<void> {
  if (process.platform === "win32" || !existsSync(path.join(binFolder, BUILT_HERE_MARK))) return;
  const target = path.join(binFolder, HOST_NAME);
  const present = languageHostOf(binFolder, env);
  if (present === "bundled" || present === "path") return;
  if (present === "stand-in" && (await readFile(target)).equals(await readFile(STAND_IN_SOURCE))) return;

  const writable = await access(binFolder, constants.W_OK).then(() => true, () => false);
  if (!writable) return;
  const fresh = path.join(binFolder, `.${HOST_NAME}.${randomUUID()}`);
  try {
    await copyFile(STAND_IN_SOURCE, fresh);
    await chmod(fresh, 0o755);
    await rename(fresh, target);
  } finally {
    await rm(fresh, { force: true });
  }
}

function isStandIn(file: string): boolean {
  return headOf(file).includes(STAND_IN_MARK);
}

/** The first bytes of a file as text: enough for a script's first lines, little for a large binary. */
export function headOf(file: string, sizeBytes = 2_048): string {
  const descriptor = openSync(file, "r");
  try {
    const buffer = Buffer.alloc(sizeBytes);
    return buffer.toString("latin1", 0, readSync(descriptor, buffer, 0, sizeBytes, 0));
  } finally {
    closeSync(descriptor);
  }
}

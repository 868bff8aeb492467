import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { makeDirectory, writeFileAtomically } from "../write-file";

/** Files of a folder that is mounted into a container, by their paths in it. */
export type ConfigFiles = Readonly<Record<string, string>>;

/** Text of a script that lies beside the code, e.g. `postgres/start.sh`. */
export function script(name: string): string {
  return readFileSync(join(__dirname, name), "utf8");
}

/** What the container's label says of the files that it reads at its start: others, and it is made anew. */
export function configHash(files: ConfigFiles): string {
  const sorted = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex").slice(0, 32);
}

/**
 * Makes a folder hold these files and no other: what differs is written atomically, what is left over from an earlier version is removed. The files are open
 * to whoever reads them in a container (0644); the stack's folder above them is closed.
 */
export function writeConfigFolder(directory: string, files: ConfigFiles): void {
  makeDirectory(directory, { mode: 0o755 });
  for (const [path, content] of Object.entries(files)) {
    const target = join(directory, path);
    makeDirectory(dirname(target), { mode: 0o755 });
    if (!holds(target, content)) writeFileAtomically(target, content, { mode: 0o644 });
  }
  const wanted = new Set(Object.keys(files).map((path) => path.split("/")[0]!));
  for (const entry of readdirSync(directory)) if (!wanted.has(entry)) rmSync(join(directory, entry), { recursive: true, force: true });
}

/** The stack's folder, closed to others whatever the umask, also where it is there already. */
export function closedDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
}

function holds(path: string, content: string): boolean {
  return existsSync(path) && readFileSync(path, "utf8") === content;
}

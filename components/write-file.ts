import { chmodSync, chownSync, closeSync, fchmodSync, fchownSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";

/** Who a file belongs to; undefined leaves it to whoever runs this. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Writes a file so that a reader, or a crash, sees the old content or the new and nothing between: a draft beside it, flushed, renamed over it. */
export function writeFileAtomically(path: string, content: string, { mode, owner }: { mode: number; owner?: Owner | undefined }): void {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  try {
    const file = openSync(draft, "wx", mode);
    try {
      writeFileSync(file, content);
      // The mode given to open() is cut by the caller's umask.
      fchmodSync(file, mode);
      if (owner !== undefined) fchownSync(file, owner.uid, owner.gid);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  flushDirectory(dirname(path));
}

/** Makes renames and new names in a folder survive a power cut. */
export function flushDirectory(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** `mkdir -p`, with mode and owner for the folders that it makes; folders that are there stay as they are. */
export function makeDirectory(path: string, { mode, owner }: { mode: number; owner?: Owner | undefined }): void {
  const first = mkdirSync(path, { recursive: true, mode });
  if (first === undefined) return;
  for (let made = path; ; made = dirname(made)) {
    // The mode given to mkdir() is cut by the caller's umask.
    chmodSync(made, mode);
    if (owner !== undefined) chownSync(made, owner.uid, owner.gid);
    if (made === first) return;
  }
}

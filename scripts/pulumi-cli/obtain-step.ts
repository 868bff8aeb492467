import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { Environment } from "./locations";

/** Where and how one way of obtaining a CLI is tried. */
export interface ObtainStep {
  readonly env: Environment;
  /** Gets lines for a person, some seconds apart. */
  readonly progress: (line: string) => void;
  /** Ends the step and everything it started. */
  readonly signal?: AbortSignal | undefined;
  /** The folder that the CLI shall be in. */
  readonly binFolder: string;
  /** A folder on the same disk for what is not finished; whoever started the step removes it. */
  readonly stagingFolder: string;
}

/** Size of all files below a folder, in bytes: the sign of life of a download. Files that vanish meanwhile do not count. */
export async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map((file) => stat(path.join(file.parentPath, file.name)).then(({ size }) => size, () => 0)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

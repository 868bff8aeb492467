import { readdir, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

/**
 * Removes locks that a killed Pulumi left on the stack: those whose process is gone, and was one of this machine. `pulumi cancel` would do
 * the same, but would also take away the lock of one that runs.
 *
 * Call it while holding Bulkhead's own lock of the stack.
 *
 * @param folder the file backend's lock folder of the stack
 * @returns a line for each lock that was removed
 */
export async function removeStaleLocks(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch {
    return [];
  }
  const removed: string[] = [];
  for (const name of names.filter((candidate) => candidate.endsWith(".json"))) {
    const path = join(folder, name);
    const holder = await readHolder(path);
    // A lock that was cut off while it was written has no holder that could still be at work: Pulumi writes it whole before it begins.
    const isStale = holder === undefined || (holder.hostname === hostname() && !isAlive(holder.pid));
    if (!isStale) continue;
    await rm(path, { force: true });
    await rm(`${path}.attrs`, { force: true });
    removed.push(`removed the lock of a Pulumi that was killed${holder === undefined ? "" : ` (process ${holder.pid})`}`);
  }
  return removed;
}

async function readHolder(path: string): Promise<{ pid: number; hostname: string } | undefined> {
  try {
    const { pid, hostname: host } = JSON.parse(await readFile(path, "utf8")) as { pid?: unknown; hostname?: unknown };
    return typeof pid === "number" && typeof host === "string" ? { pid, hostname: host } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

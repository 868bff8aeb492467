import { execFile } from "node:child_process";
import { readdir, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { isProcessAlive } from "../../components/local/server/running-process";
import { BulkheadError } from "../../manager/src/errors/bulkhead-error";

/** An engine whose command was killed notices that by itself, mostly at once; after this long it is ended. */
const ORPHAN_TIMEOUT_MS = 10_000;
const POLL_MS = 50;
const PS_TIMEOUT_MS = 5_000;

/** What Pulumi writes into a lock file. */
interface Holder {
  readonly pid: number;
  readonly hostname: string;
  readonly username: string;
  readonly timestamp: string;
}

/**
 * Clears the stack of the locks that a killed command left: those whose process is gone, and those of an engine that has outlived the
 * command that started it. `pulumi cancel` would do the same, but would also take away the lock of one that is at work.
 *
 * Call it while holding Bulkhead's own lock of the stack: whatever engine of Bulkhead's still runs then is nobody's.
 *
 * @param folder the file backend's lock folder of the stack
 * @returns a line for each lock that was removed
 * @throws BulkheadError `STACK_LOCKED` when Pulumi's own CLI is at work on the stack, or one on another machine
 */
export async function clearStaleLocks(folder: string, signal: AbortSignal): Promise<string[]> {
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
    if (holder !== undefined) await outlive(holder, path, signal);
    await rm(path, { force: true });
    await rm(`${path}.attrs`, { force: true });
    removed.push(`removed the lock of a Pulumi that was killed${holder === undefined ? "" : ` (process ${holder.pid})`}`);
  }
  return removed;
}

/** Returns when the holder is gone; ends it where its command is. */
async function outlive(holder: Holder, path: string, signal: AbortSignal): Promise<void> {
  if (holder.hostname !== hostname()) throw stackLocked(holder, `on ${holder.hostname}`, `if that machine is gone: rm '${path}'`);
  const command = await commandLine(holder.pid);
  // Another program has that number by now, or a process that has ended and was not collected yet.
  if (!isProcessAlive(holder.pid) || !/(^|\/)pulumi(\.exe)?[\0 ]/.test(command)) return;
  // Only the Automation API starts an engine so.
  if (!command.includes("auto.inline")) throw stackLocked(holder, "on this machine", `wait for it to end, or end it: kill -INT ${holder.pid}`);
  const deadline = performance.now() + ORPHAN_TIMEOUT_MS;
  while (isProcessAlive(holder.pid)) {
    if (performance.now() > deadline) process.kill(holder.pid, "SIGKILL");
    await sleep(POLL_MS, undefined, { signal });
  }
}

function stackLocked({ pid, username, timestamp }: Holder, where: string, hint: string): BulkheadError {
  return new BulkheadError("STACK_LOCKED", `the stack is locked by a Pulumi that is at work ${where}: process ${pid} of ${username}, since ${timestamp}`, { hint });
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const { pid, hostname: host, username, timestamp } = JSON.parse(await readFile(path, "utf8")) as Partial<Holder>;
    return typeof pid === "number" && typeof host === "string" ? { pid, hostname: host, username: String(username), timestamp: String(timestamp) } : undefined;
  } catch {
    return undefined;
  }
}

async function commandLine(pid: number): Promise<string> {
  try {
    if (process.platform === "linux") return await readFile(`/proc/${pid}/cmdline`, "utf8");
    const { stdout } = await promisify(execFile)("ps", ["-ww", "-o", "args=", "-p", String(pid)], { timeout: PS_TIMEOUT_MS });
    return stdout;
  } catch {
    return "";
  }
}

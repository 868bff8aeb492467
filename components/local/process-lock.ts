import { chmod, link, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import { isProcessAlive, processStartIdentity } from "./server/running-process";

/** How `withProcessLock` waits and how it presents itself to others. */
export interface ProcessLockOptions {
  /** How long to wait for another holder, in milliseconds; 0 refuses at once. */
  readonly waitMs: number;
  /** What the holder does, for the message of whoever has to wait, e.g. `npm run up`. */
  readonly label: string;
  /** Told once, when somebody else holds the lock. */
  readonly progress?: ((line: string) => void) | undefined;
  /** Ends the waiting. It does not reach into `fn`. */
  readonly signal?: AbortSignal | undefined;
}

/** What a lock file says about its holder. */
interface Holder {
  readonly pid: number;
  readonly startIdentity: string | undefined;
  readonly label: string;
  /** ISO 8601. */
  readonly since: string;
  readonly released: boolean;
}

const POLL_MS = 50;

/**
 * Runs `fn` while no other process of this machine is inside a `withProcessLock` of the same path. The lock of a process that died is
 * taken over, also when its id has been given to another process since.
 *
 * The lock is the highest-numbered of the files `<path>.<n>`, and whoever makes the next number (which only one can) has it: once its
 * holder has released it or is dead. Nothing is ever taken away from a name, so two that take over a dead holder's lock at the same
 * moment cannot both succeed, and a kill at any instant leaves nothing to repair. The last file stays behind as a marker.
 *
 * @throws BulkheadError `LOCK_HELD` naming the holder, after `waitMs`.
 */
export async function withProcessLock<T>(path: string, options: ProcessLockOptions, fn: () => Promise<T>): Promise<T> {
  const file = await acquire(path, options);
  try {
    return await fn();
  } finally {
    // A lost marker (the folder was removed by `fn`) means that there is nothing left to release.
    await replaceFile(file, describe({ ...ownHolder(options.label), released: true })).catch(() => undefined);
  }
}

async function acquire(path: string, { waitMs, label, progress, signal }: ProcessLockOptions): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const deadline = performance.now() + waitMs;
  let told = false;
  for (;;) {
    signal?.throwIfAborted();
    const latest = await latestNumber(path);
    const holder = latest === 0 ? undefined : await readHolder(`${path}.${latest}`);
    if (holder === undefined || isFree(holder)) {
      const mine = latest + 1;
      if (await createFile(`${path}.${mine}`, describe(ownHolder(label)))) {
        if ((await latestNumber(path)) === mine) {
          await forgetOlder(path, mine);
          return `${path}.${mine}`;
        }
        // The listing was out of date: a higher number is the lock, and this file means nothing.
        await rm(`${path}.${mine}`, { force: true });
      }
      continue;
    }
    if (performance.now() >= deadline) throw lockHeld(holder, waitMs);
    if (!told) progress?.(`waiting for process ${holder.pid} (${holder.label}, since ${holder.since})`);
    told = true;
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

function isFree(holder: Holder): boolean {
  if (holder.released || !isProcessAlive(holder.pid)) return true;
  return holder.startIdentity !== undefined && processStartIdentity(holder.pid) !== holder.startIdentity;
}

function lockHeld(holder: Holder, waitMs: number): BulkheadError {
  return new BulkheadError("LOCK_HELD", `Another command is at work: process ${holder.pid} (${holder.label}), since ${holder.since}. Waited ${waitMs} ms for it.`, {
    hint: `Wait until it is done, or end it with: kill ${holder.pid}`,
  });
}

function ownHolder(label: string): Holder {
  return { pid: process.pid, startIdentity: processStartIdentity(process.pid), label, since: new Date().toISOString(), released: false };
}

function describe(holder: Holder): string {
  return `${JSON.stringify(holder)}\n`;
}

/** Undefined for a file that is gone or holds something else; since files appear with their content, nobody is in the middle of writing it. */
async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    const value = JSON.parse(await readFile(file, "utf8")) as Partial<Holder>;
    if (typeof value.pid !== "number" || !Number.isInteger(value.pid) || value.pid <= 0) return undefined;
    return { pid: value.pid, startIdentity: value.startIdentity, label: String(value.label), since: String(value.since), released: value.released === true };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || code === "ENOENT") return undefined;
    throw error;
  }
}

async function latestNumber(path: string): Promise<number> {
  return Math.max(0, ...(await numbersOf(path)));
}

async function numbersOf(path: string): Promise<number[]> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path));
  return names.filter((name) => name.startsWith(prefix) && /^[1-9]\d{0,14}$/.test(name.slice(prefix.length))).map((name) => Number(name.slice(prefix.length)));
}

/** Removes what is older than the predecessor, which stays so that somebody who lists the folder right now sees at least one of the two. */
async function forgetOlder(path: string, mine: number): Promise<void> {
  for (const number of await numbersOf(path)) {
    if (number < mine - 1) await rm(`${path}.${number}`, { force: true });
  }
}

/** Makes the file with its content in one step; false where it exists. */
async function createFile(file: string, content: string): Promise<boolean> {
  const draft = await writeDraft(file, content);
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function replaceFile(file: string, content: string): Promise<void> {
  await rename(await writeDraft(file, content), file);
}

async function writeDraft(file: string, content: string): Promise<string> {
  const draft = join(dirname(file), `.${basename(file)}.${process.pid}.${randomBytes(6).toString("hex")}`);
  await writeFile(draft, content, { flag: "wx" });
  // Whatever the umask: another user has to see who holds the lock.
  await chmod(draft, 0o644);
  return draft;
}

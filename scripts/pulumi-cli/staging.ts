import { mkdtemp, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

const LOCK_NAME = ".obtaining.lock";
const STAGING_PREFIX = ".obtaining-";

/** The holder touches its lock file and its folder this often… */
const HEARTBEAT_MS = 2_000;
/** …so that what is this old belongs to a command that was killed. */
const STALE_MS = 15_000;
const POLL_MS = 500;

/**
 * Runs `work` with a fresh folder inside `parent` for what is not finished, while no other command does so; the folder is removed at the
 * end. What a killed command left is taken over after 15 s, and its folder removed.
 *
 * On a machine that slept, a waiting command can mistake the sleeper for a killed one: the sleeper then fails for want of its folder.
 * What `work` has moved out of its folder is not touched.
 *
 * @param onWait called once, before the first wait.
 * @throws the signal's reason if cancelled while waiting.
 */
export async function withStagingFolder<T>(parent: string, onWait: () => void, signal: AbortSignal | undefined, work: (stagingFolder: string) => Promise<T>): Promise<T> {
  const lock = path.join(parent, LOCK_NAME);
  await acquire(lock, onWait, signal);
  let held = [lock];
  const heartbeat = setInterval(() => held.forEach(touch), HEARTBEAT_MS);
  try {
    await removeAbandoned(parent);
    const stagingFolder = await mkdtemp(path.join(parent, STAGING_PREFIX));
    held = [lock, stagingFolder];
    try {
      return await work(stagingFolder);
    } finally {
      await rm(stagingFolder, { recursive: true, force: true, maxRetries: 3 });
    }
  } finally {
    clearInterval(heartbeat);
    await rm(lock, { force: true });
  }
}

function touch(file: string): void {
  const now = new Date();
  utimes(file, now, now).catch(() => undefined);
}

async function isStale(file: string): Promise<boolean> {
  return stat(file).then(({ mtimeMs }) => Math.abs(Date.now() - mtimeMs) > STALE_MS, () => false);
}

async function acquire(lock: string, onWait: () => void, signal: AbortSignal | undefined): Promise<void> {
  for (let waited = false; ; ) {
    signal?.throwIfAborted();
    try {
      await (await open(lock, "wx")).close();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (await isStale(lock)) {
      await takeAway(lock);
      continue;
    }
    if (!waited) onWait();
    waited = true;
    await delay(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

/** By renaming, so that of two that find the lock stale only one removes it. */
async function takeAway(lock: string): Promise<void> {
  const away = `${lock}.${randomUUID()}`;
  await rename(lock, away).catch(() => undefined);
  await rm(away, { force: true });
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const folder = path.join(parent, name);
    if (name.startsWith(STAGING_PREFIX) && (await isStale(folder))) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

import { randomUUID } from "node:crypto";
import { chmod, lstat, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import type { StoreSecretStore } from "../stores/store";
import { parseStoreSecret } from "../stores/store-secret";
import { parseSecret } from "./secret";
import type { DatabaseSecret, SecretRef, SecretStore } from "./secret";

/** No secret is near this size; what is larger is no secret and is not read. */
const MAX_SIZE_BYTES = 64 * 1024;

/**
 * Secrets as files: `<directory>/<service>/<login>.json`, mode 0600 in folders of mode 0700.
 *
 * A file that others may read is narrowed when it is met; `progress` says so. A folder in a file's place, or a file that cannot be read
 * for another reason than its absence, is an error: replacing it could hide what somebody did there.
 */
export function fileSecretStore(directory: string, progress: (line: string) => void = () => {}): SecretStore {
  const pathOf = ({ service, login }: SecretRef): string => join(directory, service, `${login}.json`);
  return {
    read: (ref) => readSecretFile(pathOf(ref), progress),
    write: (ref, secret) => writeSecretFile(pathOf(ref), secret),
    remove: (service) => rm(join(directory, service), { recursive: true, force: true }),
    reference: (ref) => `file:${pathOf(ref)}`,
  };
}

/** The logins of stores beside those of the database: `<directory>/<service>/redis.json`, `clickhouse.json`. */
export function fileStoreSecrets(directory: string, progress: (line: string) => void = () => {}): StoreSecretStore {
  return {
    readStore: (service, kind) => readJsonSecret(join(directory, service, `${kind}.json`), parseStoreSecret, progress),
    writeStore: (service, kind, secret) => writeSecretFile(join(directory, service, `${kind}.json`), secret),
  };
}

/**
 * One secret file, or undefined when it is lost, empty or half-written.
 *
 * @throws BulkheadError `SECRET_FILE_UNREADABLE` when something else stands in its place or access is denied
 */
export function readSecretFile(path: string, progress?: (line: string) => void): Promise<DatabaseSecret | undefined> {
  return readJsonSecret(path, parseSecret, progress);
}

/**
 * A secret file of any shape; `parse` gives undefined for what is not whole.
 *
 * @throws BulkheadError `SECRET_FILE_UNREADABLE`
 */
export async function readJsonSecret<T>(path: string, parse: (text: string) => T | undefined, progress: (line: string) => void = () => {}): Promise<T | undefined> {
  try {
    const stats = await lstat(path);
    if (!stats.isFile()) throw unreadable(path, `it is ${stats.isDirectory() ? "a folder" : stats.isSymbolicLink() ? "a symbolic link" : "no regular file"}`);
    if ((stats.mode & 0o077) !== 0) {
      await chmod(path, 0o600);
      progress(`${path} could be read by others; its mode is 0600 again. If somebody may have read it, delete it: the next run makes a new password`);
    }
    if (stats.size > MAX_SIZE_BYTES) return undefined;
    return parse(await readFile(path, "utf8"));
  } catch (error) {
    if (error instanceof BulkheadError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unreadable(path, messageOf(error), error);
  }
}

/** Writes a secret, of whatever shape, so that a reader, a crash or a second writer never meets half of it. */
export async function writeSecretFile(path: string, secret: object): Promise<void> {
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(partial, "wx", 0o600);
    try {
      await file.writeFile(`${JSON.stringify(secret, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {}); // The first error says more.
    throw new BulkheadError("SECRET_FILE_UNWRITABLE", `the secret ${path} cannot be written: ${messageOf(error)}`, { hint: `make room and give yourself write access: df -h '${dirname(path)}'; ls -ld '${dirname(path)}'`, cause: error });
  }
}

function unreadable(path: string, why: string, cause?: unknown): BulkheadError {
  return new BulkheadError("SECRET_FILE_UNREADABLE", `the secret ${path} cannot be read: ${why}`, { hint: `move it away (mv '${path}' '${path}.old') and run the command again: it makes a new password`, cause });
}

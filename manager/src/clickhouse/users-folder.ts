import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { BulkheadError, messageOf } from "../errors/bulkhead-error";

/** The file with all users, and nothing that anybody else writes. */
export const USERS_FILE = "bulkhead.xml";
/** The token of the last setup. Its name is none that the server reads. */
const TOKEN_FILE = "bulkhead.token";
/** What servers read of the folder. */
const READ_BY_SERVER = /\.(?:xml|conf|yaml|yml)$/;
/** No file of ours is near this size. */
const MAX_SIZE_BYTES = 16 * 1024 * 1024;

/** The `users.d` of a server. */
export interface UsersFolder {
  readUsers(): Promise<string | undefined>;
  writeUsers(text: string): Promise<void>;
  readToken(): Promise<string | null>;
  writeToken(token: string): Promise<void>;
  /** Files that the server reads too, and that are not ours. */
  foreignFiles(): Promise<readonly string[]>;
}

/**
 * Files are replaced whole, so a server never reads half of one. Their mode is 0644: they hold hashes of random passwords, and the server is another user.
 *
 * Its functions reject with BulkheadError `CLICKHOUSE_FILES`.
 */
export function usersFolder(directory: string): UsersFolder {
  const guarded = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      throw new BulkheadError("CLICKHOUSE_FILES", `ClickHouse's users cannot be ${what} in ${directory}: ${messageOf(error)}`, { hint: `make room and give yourself write access: df -h '${directory}'; ls -ld '${directory}'`, cause: error });
    }
  };
  const read = (name: string): Promise<string | undefined> => guarded("read", () => readBounded(join(directory, name)));
  const write = (name: string, text: string): Promise<void> =>
    guarded("written", async () => {
      await mkdir(directory, { recursive: true, mode: 0o755 });
      await replaceFile(join(directory, name), text);
    });
  return {
    readUsers: () => read(USERS_FILE),
    writeUsers: (text) => write(USERS_FILE, text),
    async readToken() {
      const token = await read(TOKEN_FILE);
      return token === undefined || token.trim() === "" ? null : token.trim();
    },
    writeToken: (token) => write(TOKEN_FILE, `${token}\n`),
    foreignFiles: () => guarded("read", async () => (await readdir(directory).catch(withoutMissing<string[]>([]))).filter((name) => READ_BY_SERVER.test(name) && name !== USERS_FILE).sort()),
  };
}

async function readBounded(path: string): Promise<string | undefined> {
  const facts = await stat(path).catch(withoutMissing(undefined));
  // What is too large is not ours, and is written anew.
  if (facts === undefined || facts.size > MAX_SIZE_BYTES) return undefined;
  return readFile(path, "utf8").catch(withoutMissing(undefined));
}

async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}.partial`;
  try {
    const before = await stat(path).catch(withoutMissing(undefined));
    const file = await open(draft, "wx", 0o644);
    try {
      await file.writeFile(text);
      // The mode given to open() is cut by the caller's umask.
      await file.chmod(0o644);
      // Servers look at times in whole seconds to see what changed: a second change within one would be passed over for good.
      const seconds = Math.max(Math.floor(Date.now() / 1000), before === undefined ? 0 : Math.floor(before.mtimeMs / 1000) + 1);
      await file.utimes(seconds, seconds);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined); // The first error says more.
    throw error;
  }
}

function withoutMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return value;
    throw error;
  };
}

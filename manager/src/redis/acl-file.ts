import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { BulkheadError, messageOf } from "../errors/bulkhead-error";

/**
 * The ACL file that the server reads when it starts; empty where there is none.
 *
 * @throws BulkheadError `REDIS_ACL_UNREADABLE`
 */
export async function readAclFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw new BulkheadError("REDIS_ACL_UNREADABLE", `the ACL file ${path} cannot be read: ${messageOf(error)}`, { hint: `give yourself access: ls -ld '${path}'`, cause: error });
  }
}

/**
 * Writes it so that neither a server that starts nor a crash meets half of it. The server's own user must read it, whoever that is; it holds hashes of long random passwords only.
 *
 * @throws BulkheadError `REDIS_ACL_UNWRITABLE`
 */
export async function writeAclFile(path: string, text: string): Promise<void> {
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(partial, "wx", 0o644);
    try {
      await file.writeFile(text);
      await file.chmod(0o644);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {}); // The first error says more.
    throw new BulkheadError("REDIS_ACL_UNWRITABLE", `the ACL file ${path} cannot be written: ${messageOf(error)}`, { hint: `make room and give yourself write access: df -h '${dirname(path)}'; ls -ld '${dirname(path)}'`, cause: error });
  }
}

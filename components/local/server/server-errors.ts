import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { redact } from "../../../manager/src/errors/redact";

/**
 * The error for a disk that is full or cannot be written, from a Node error or from what Postgres wrote to stderr; undefined where the
 * trouble is another. Postgres' data is safe in all of these: it stops rather than writes half.
 */
export function diskError(thrown: unknown, what: string): BulkheadError | undefined {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code ?? "";
  const text = typeof thrown === "string" ? thrown : "";
  if (code === "ENOSPC" || code === "EDQUOT" || /No space left on device|Disk quota exceeded|Check free disk space/i.test(text)) {
    return new BulkheadError("SERVER_DISK_FULL", `${what}: the disk is full.`, { hint: "Make room (df -h . shows how much is left), then run the same command again: nothing is lost.", cause: thrown });
  }
  if (code === "EROFS" || /Read-only file system/i.test(text)) {
    return new BulkheadError("SERVER_DISK_READ_ONLY", `${what}: the file system is read-only.`, { hint: "Use a checkout on a disk that can be written, or mount this one for writing.", cause: thrown });
  }
  if (code === "EACCES" || code === "EPERM" || /Permission denied|Operation not permitted/i.test(text)) {
    return new BulkheadError("SERVER_DISK_DENIED", `${what}: this user may not write there${pathOf(thrown)}.`, { hint: "Look at the owner with ls -ld, then run as that user, or change it: sudo chown -R $(id -u) .bulkhead", cause: thrown });
  }
  return undefined;
}

/** The same error if it is one of ours or no file's; else one that says what could not be done because of which file. */
export function explained(thrown: unknown, what: string): unknown {
  if (thrown instanceof BulkheadError) return thrown;
  const { code, path, message } = (thrown ?? {}) as NodeJS.ErrnoException;
  const known = diskError(thrown, what);
  if (known !== undefined || code === undefined || path === undefined) return known ?? thrown;
  return new BulkheadError("SERVER_FILE_UNUSABLE", `${what}, because of a file: ${message}`, { hint: `See what is there, and put it aside: ls -ld '${path}'`, cause: thrown });
}

/** The error for a user without a name, as containers have them: initdb and the single-user server refuse to run, the server itself would not. */
export function unknownUser(stderr: string): BulkheadError | undefined {
  const uid = /could not look up effective user ID (\d+)/.exec(stderr)?.[1];
  if (uid === undefined) return undefined;
  return new BulkheadError("SERVER_USER_UNKNOWN", `This machine has no name for user ${uid}, as whom Postgres is to run; setting up its data takes one.`, {
    hint: `Give the user a name, as root: echo "bulkhead:x:${uid}:${uid}::/tmp:/bin/sh" >> /etc/passwd   or run as another user`,
  });
}

/** The last lines of what a program wrote, without secrets, indented for an error message. */
export function lastLines(text: string, count = 8): string {
  const lines = redact(text).trimEnd().split("\n").slice(-count);
  return lines.map((line) => `  ${line}`).join("\n");
}

function pathOf(thrown: unknown): string {
  const path = (thrown as NodeJS.ErrnoException | undefined)?.path;
  return path === undefined ? "" : ` (${path})`;
}

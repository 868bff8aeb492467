import { randomBytes } from "node:crypto";
import { chmodSync, lstatSync, readFileSync, renameSync, statSync } from "node:fs";
import { ADMIN_ROLE } from "../../postgres/superuser-statements";
import type { ServerPaths } from "./paths";
import type { Owner } from "../../write-file";
import { makeDirectory, writeFileAtomically } from "../../write-file";

/** `secrets/admin.json`: how to log in as the server's admin. */
export interface AdminSecret {
  readonly host: "localhost";
  readonly port: number;
  readonly dbname: "postgres";
  readonly username: typeof ADMIN_ROLE;
  readonly password: string;
  readonly sslmode: "verify-full";
  /** PEM text of the authority. */
  readonly ca: string;
  /** libpq URI, with the authority by its absolute path. */
  readonly url: string;
}

/** The password that the secret file holds: undefined where the file is lost, damaged, or no file at all. */
export function readAdminPassword(paths: ServerPaths): string | undefined {
  try {
    const { username, password } = JSON.parse(readFileSync(paths.adminSecret, "utf8")) as Partial<AdminSecret>;
    return username === ADMIN_ROLE && typeof password === "string" && /^[\x21-\x7e]{16,128}$/.test(password) ? password : undefined;
  } catch {
    return undefined;
  }
}

/** 192 random bits in characters that no URL, shell or JSON has to escape. */
export function newPassword(): string {
  return randomBytes(24).toString("base64url");
}

/** The secret for what is true now. */
export function adminSecret(paths: ServerPaths, { port, password, ca }: { port: number; password: string; ca: string }): AdminSecret {
  const query = `sslmode=verify-full&sslrootcert=${encodeURIComponent(paths.ca)}`;
  return { host: "localhost", port, dbname: "postgres", username: ADMIN_ROLE, password, sslmode: "verify-full", ca, url: `postgresql://${ADMIN_ROLE}:${password}@localhost:${port}/postgres?${query}` };
}

/** Writes the secret where the file says anything else, and closes file and folder to others where they are open. */
export function writeAdminSecret(paths: ServerPaths, secret: AdminSecret, owner: Owner | undefined): void {
  makeDirectory(paths.secrets, { mode: 0o700, owner });
  if ((statSync(paths.secrets).mode & 0o777) !== 0o700) chmodSync(paths.secrets, 0o700);
  const text = `${JSON.stringify(secret, undefined, 2)}\n`;
  if (isFileWith(paths.adminSecret, text)) return;
  putAsideFolder(paths.adminSecret);
  writeFileAtomically(paths.adminSecret, text, { mode: 0o600, owner });
}

/** Whether `writeAdminSecret` would change nothing. */
export function isAdminSecretWritten(paths: ServerPaths, secret: AdminSecret): boolean {
  try {
    return (statSync(paths.secrets).mode & 0o777) === 0o700 && isFileWith(paths.adminSecret, `${JSON.stringify(secret, undefined, 2)}\n`);
  } catch {
    return false;
  }
}

function isFileWith(path: string, text: string): boolean {
  try {
    return (lstatSync(path).mode & 0o777) === 0o600 && lstatSync(path).isFile() && readFileSync(path, "utf8") === text;
  } catch {
    return false;
  }
}

/** A folder in the file's place is somebody's mistake, and may hold something: it is renamed, not removed. */
function putAsideFolder(path: string): void {
  try {
    if (lstatSync(path).isDirectory()) renameSync(path, `${path}.folder.${randomBytes(4).toString("hex")}`);
  } catch {
    // Nothing there.
  }
}

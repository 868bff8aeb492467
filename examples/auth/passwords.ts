import { createHash, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { ScryptOptions } from "node:crypto";

/** About 50 ms of a core, and 16 MiB (128 × N × r bytes; RFC 7914). */
const COST: ScryptOptions = { N: 16_384, r: 8, p: 1 };
const KEY_BYTES = 32;

/** Salt and key of a password, as they are stored. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `scrypt$${salt.toString("base64url")}$${(await derive(password, salt)).toString("base64url")}`;
}

/** What the password of nobody is compared with, so that an unknown address takes as long as a wrong password. */
const NOBODY = `scrypt$${Buffer.alloc(16).toString("base64url")}$${Buffer.alloc(KEY_BYTES).toString("base64url")}`;

/** Whether it is the password. `stored` is null or undefined where there is none. */
export async function verifyPassword(password: string, stored: string | null | undefined): Promise<boolean> {
  const [, salt = "", key = ""] = (stored ?? NOBODY).split("$");
  const same = timingSafeEqual(await derive(password, Buffer.from(salt, "base64url")), Buffer.from(key, "base64url"));
  return same && typeof stored === "string";
}

/** A token for a client to keep, and what is stored of it: a hash finds it again, and is of no use to a thief. */
export function newToken(): { readonly token: string; readonly stored: string } {
  const token = randomBytes(32).toString("base64url");
  return { token, stored: storedForm(token) };
}

export function storedForm(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function derive(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => scrypt(password.normalize("NFKC"), salt, KEY_BYTES, COST, (error, key) => (error === null ? resolve(key) : reject(error))));
}

import { BulkheadError } from "../errors/bulkhead-error";
import type { StoreEndpoint, StoreSecret } from "../stores/store-secret";
import { aclLine, hashPassword, isOwnAclLine, planAcl } from "./acl";
import { readAclFile, writeAclFile } from "./acl-file";
import { adminSecret, sameSecret } from "./secret";
import { RedisSession } from "./session";

export interface EnsureRedisAdminOptions {
  /** As the admin reaches the server. */
  readonly endpoint: StoreEndpoint;
  /** The server's ACL file, as this process sees it. */
  readonly aclPath: string;
  /** Undefined where the secret is lost. */
  readonly readSecret: () => Promise<StoreSecret | undefined>;
  readonly writeSecret: (secret: StoreSecret) => Promise<void>;
}

/**
 * Makes admin secret and ACL file agree; to be called before the server is started, and by whoever can restart it. A lost admin secret is made anew, and its hash put into the file: nobody else could log in to change
 * that. Services' users in the file stay, lines that are none of Bulkhead's go. The server reads the file when it starts; whether a running one must be restarted says `redisAdminLogin`.
 *
 * @throws BulkheadError `REDIS_ACL_UNREADABLE`, `REDIS_ACL_UNWRITABLE`, and what `readSecret` and `writeSecret` throw
 */
export async function ensureRedisAdmin({ endpoint, aclPath, readSecret, writeSecret }: EnsureRedisAdminOptions): Promise<StoreSecret> {
  const last = await readSecret();
  const secret = adminSecret(endpoint, last);
  // The secret first: a file whose hash nobody knows the password of would be worse than a secret that no file knows yet.
  if (!sameSecret(secret, last)) await writeSecret(secret);
  const text = await readAclFile(aclPath);
  const base = planAcl({ adminHash: hashPassword(secret.password), services: [], token: null }).map(aclLine);
  const wanted = [...base, ...text.split("\n").filter(isOwnAclLine)].map((line) => `${line}\n`).join("");
  if (wanted !== text) await writeAclFile(aclPath, wanted);
  return secret;
}

/**
 * Whether the server that runs takes the admin's login. `refused`: it was started with another file, or somebody changed it; a restart makes it read the file that is there.
 */
export async function redisAdminLogin(secret: StoreSecret, signal?: AbortSignal): Promise<"accepted" | "refused" | "unreachable"> {
  try {
    (await RedisSession.open({ endpoint: secret, login: secret, signal })).close();
    return "accepted";
  } catch (error) {
    return error instanceof BulkheadError && error.code === "REDIS_LOGIN_REFUSED" ? "refused" : "unreachable";
  }
}

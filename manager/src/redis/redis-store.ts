import { BulkheadError } from "../errors/bulkhead-error";
import type { Store, StoreAbsence, StoreObservation, StoreSecretStore } from "../stores/store";
import type { StoreEndpoint, StoreSecret } from "../stores/store-secret";
import type { Evidence } from "../validate/report";
import { aclRules, diffAcl, hashPassword, parseAcl, planAcl, renderAcl, tokenOf } from "./acl";
import type { AclDifference, AclUser, LiveAclUser } from "./acl";
import { readAclFile, writeAclFile } from "./acl-file";
import { sameSecret, serviceSecret } from "./secret";
import { RedisSession } from "./session";
import { validateRedis } from "./validate";

export interface RedisStoreOptions {
  /** Services that ask for Redis, in the catalog's order. */
  readonly services: readonly string[];
  /** As the services' secrets say it. */
  readonly endpoint: StoreEndpoint;
  /** The admin's secret, see `ensureRedisAdmin`; undefined where it is lost. */
  readonly readAdmin: () => Promise<StoreSecret | undefined>;
  /** Where the services' secrets are. */
  readonly secrets: StoreSecretStore;
  /** The server's ACL file, as this process sees it: the server reads it when it starts. */
  readonly aclPath: string;
  /** Why there is none, where there is none. Default null. */
  readonly absence?: StoreAbsence | null;
}

/**
 * A Redis that services share, each with a user of its own that sees nothing but keys and channels under `<service>:`.
 *
 * Users are set one by one over the admin's connection (`ACL SETUSER`), and written to the ACL file for the next start: `ACL LOAD` would do both, and up to Redis 7.0 closes every connection of every service for it. A user
 * that was not as planned loses its connections, those of others stay.
 *
 * Its functions reject with BulkheadError `REDIS_ADMIN_MISSING`, `REDIS_UNREACHABLE`, `REDIS_LOGIN_REFUSED`, `REDIS_TIMEOUT`, `REDIS_CONNECTION_LOST`, `REDIS_ACL_UNREADABLE`, `REDIS_ACL_UNWRITABLE`, `REDIS_SETUP_REFUSED`, `REDIS_SETUP_INCOMPLETE`,
 * `REDIS_SERVICE_NAME`, and with what the secrets' store throws.
 */
export function redisStore({ services, endpoint, readAdmin, secrets, aclPath, absence = null }: RedisStoreOptions): Store {
  const admin = async (): Promise<StoreSecret> => {
    const secret = await readAdmin();
    if (secret === undefined) throw new BulkheadError("REDIS_ADMIN_MISSING", "the secret of Redis' admin is lost", { hint: "npx bulkhead down, then npx bulkhead up: a start makes a new one" });
    return secret;
  };
  const observe = async (signal?: AbortSignal): Promise<StoreObservation> => {
    const adminLogin = await admin();
    const live = await withSession(adminLogin, signal, readUsers);
    return examine({ live, adminHash: hashPassword(adminLogin.password), endpoint, services, secrets, aclPath });
  };
  return {
    kind: "redis",
    services,
    absence,
    observe,
    async setUp(token, signal) {
      const adminLogin = await admin();
      const done: string[] = [];
      const hashes = await writeSecrets({ services, endpoint, secrets }, done);
      const plan = planAcl({ adminHash: hashPassword(adminLogin.password), services: hashes, token });
      if ((await readAclFile(aclPath)) !== renderAcl(plan)) {
        await writeAclFile(aclPath, renderAcl(plan));
        done.push(`wrote the users of Redis to ${aclPath}`);
      }
      await withSession(adminLogin, signal, (session) => applyPlan(session, plan, done));
      const { token: left, findings } = await observe(signal);
      if (left !== token) throw new BulkheadError("REDIS_SETUP_INCOMPLETE", `Redis was set up, and is not as it was left: ${findings.join("; ") || "another setup ran"}`, { hint: "npx bulkhead up once more; if it stays so, somebody or something else changes its users: look with redis-cli ACL LOG" });
      return done;
    },
    async validate(signal): Promise<readonly Evidence[]> {
      const entries = await Promise.all(services.map(async (service) => ({ service, secret: await secrets.readStore(service, "redis") })));
      return validateRedis({ entries, readAdmin, signal });
    },
  };
}

interface Place {
  readonly services: readonly string[];
  readonly endpoint: StoreEndpoint;
  readonly secrets: StoreSecretStore;
}

async function examine({ live, adminHash, endpoint, services, secrets, aclPath }: Place & { live: readonly LiveAclUser[]; adminHash: string; aclPath: string }): Promise<StoreObservation> {
  const token = tokenOf(live);
  const found = await Promise.all(
    services.map(async (service) => {
      const is = await secrets.readStore(service, "redis");
      const secret = serviceSecret(endpoint, service, is);
      return { name: service, passwordHash: hashPassword(secret.password), finding: is === undefined ? `the Redis secret of ${service} is lost` : sameSecret(secret, is) ? undefined : `the Redis secret of ${service} is not as it should be` };
    }),
  );
  const plan = planAcl({ adminHash, services: found, token });
  // Where its secret is not right, a user without its password is no news.
  const wrong = new Set(found.flatMap(({ name, finding }) => (finding === undefined ? [] : [name])));
  const findings = [
    ...found.flatMap(({ finding }) => finding ?? []),
    ...(token === null ? ["Redis was not set up yet, or its users were made anew"] : diffAcl(plan, live).filter(({ name }) => !wrong.has(name)).map(sentence)),
    ...(token === null || wrong.size > 0 || (await readAclFile(aclPath)) === renderAcl(plan) ? [] : [`the ACL file ${aclPath} is not as it should be`]),
  ];
  return { token: findings.length === 0 ? token : null, findings };
}

function sentence({ name, kind, what }: AclDifference): string {
  if (kind === "missing") return `the Redis user ${name} is missing`;
  if (kind === "extra") return `there is a Redis user ${name} that nobody planned`;
  return `the Redis user ${name} is not as planned: ${what.join(", ")}`;
}

/** The services with the hashes of their passwords; secrets that were not right are written. */
async function writeSecrets({ services, endpoint, secrets }: Place, done: string[]): Promise<{ name: string; passwordHash: string }[]> {
  const hashes = [];
  for (const service of services) {
    const last = await secrets.readStore(service, "redis");
    const secret = serviceSecret(endpoint, service, last);
    // Before the user exists: a password that only Redis knows would be lost with a crash.
    if (!sameSecret(secret, last)) {
      await secrets.writeStore(service, "redis", secret);
      done.push(`wrote the Redis secret of ${service}`);
    }
    hashes.push({ name: service, passwordHash: hashPassword(secret.password) });
  }
  return hashes;
}

async function applyPlan(session: RedisSession, plan: readonly AclUser[], done: string[]): Promise<void> {
  const marker = plan.at(-1)!;
  // First, so that the server spells commands for comparison; with the last setup's marker there are two, which is no token, until all is done.
  await command(session, "ACL", "SETUSER", marker.name, ...aclRules(marker));
  for (const { name, kind, what } of diffAcl(plan, await readUsers(session))) {
    if (kind === "extra") {
      await command(session, "ACL", "DELUSER", name);
      if (tokenOf([{ name }]) === null) done.push(`removed the Redis user ${name}`);
      continue;
    }
    const user = plan.find((one) => one.name === name)!;
    await command(session, "ACL", "SETUSER", name, ...aclRules(user));
    // Who is logged in stays so, whatever the password is by now; and what a user was allowed to begin goes on.
    if (kind === "different") await command(session, "CLIENT", "KILL", "USER", name, "SKIPME", "yes");
    done.push(kind === "missing" ? `made the Redis user ${name}` : `put right the Redis user ${name}: ${what.join(", ")}`);
  }
}

async function readUsers(session: RedisSession): Promise<LiveAclUser[]> {
  const lines = await command(session, "ACL", "LIST");
  return parseAcl(Array.isArray(lines) ? (lines as readonly unknown[]).map(String) : []);
}

async function command(session: RedisSession, ...parts: readonly string[]): ReturnType<RedisSession["send"]> {
  try {
    return await session.send(...parts);
  } catch (error) {
    if (error instanceof BulkheadError) throw error;
    const { message } = error as Error;
    throw new BulkheadError("REDIS_SETUP_REFUSED", `Redis refuses ${parts.slice(0, 3).join(" ")}: ${message}`, { hint: "Bulkhead needs Redis 7.0 or newer, and its admin every command: npx bulkhead down, then npx bulkhead up, starts it with its own users", cause: error });
  }
}

async function withSession<T>(login: StoreSecret, signal: AbortSignal | undefined, run: (session: RedisSession) => Promise<T>): Promise<T> {
  const session = await RedisSession.open({ endpoint: login, login, signal });
  try {
    return await run(session);
  } finally {
    session.close();
  }
}

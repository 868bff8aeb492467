import { randomBytes } from "node:crypto";

import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import type { StoreSecret } from "../stores/store-secret";
import type { Evidence } from "../validate/report";
import type { StoreRule } from "../validate/rules";
import { adminAttempts, foreignAttempts, runRefusedAttempts, WATCHING_ATTEMPTS } from "./attempts";
import type { AttemptOutcome } from "./attempts";
import { redisScope } from "./acl";
import { tryAnonymous } from "./anonymous";
import { RedisSession } from "./session";

/** A service and what it gets into Redis with; undefined where the secret is lost. */
export interface RedisEntry {
  readonly service: string;
  readonly secret: StoreSecret | undefined;
}

export interface ValidateRedisOptions {
  readonly entries: readonly RedisEntry[];
  /** To ask whether there is a port without TLS. Where there is no admin, as in Memorystore, that is tried at the known port only. */
  readonly readAdmin?: (() => Promise<StoreSecret | undefined>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const HEAL = "npx bulkhead up";
/** Should the removal of the own key be kept from happening, it goes by itself. */
const KEY_LIFE_S = "60";
/** How many other services' prefixes are tried: one service's rights are one pattern, so more would show the same. */
const FOREIGN_MAX = 8;

/**
 * Proves by each service's own login what holds in Redis: that it can work, that it gets at nothing else, and that nobody gets in without a login. A service whose secret has no scope has a server of its own, as in Memorystore,
 * which knows no users: there is no foreign key then and no admin to keep it from being, so those rules are skipped.
 */
export async function validateRedis({ entries, readAdmin, signal }: ValidateRedisOptions): Promise<readonly Evidence[]> {
  const scopes = entries.map(({ service }) => redisScope(service));
  const evidence = await Promise.all(entries.map((entry) => validateEntry(entry, scopes, { readAdmin, signal })));
  return evidence.flat();
}

async function validateEntry({ service, secret }: RedisEntry, scopes: readonly string[], { readAdmin, signal }: Omit<ValidateRedisOptions, "entries">): Promise<Evidence[]> {
  const evidence = new Recorder(service);
  if (secret === undefined) {
    evidence.add("redis-access", "failed", "the secret is lost");
    for (const rule of ["redis-no-foreign-keys", "redis-no-admin", "redis-no-anonymous"] as const) evidence.add(rule, "skipped", "not tried: the secret is lost");
    return evidence.all;
  }
  const session = await evidence.record("redis-access", () => useOwnKeys(service, secret, signal));
  if (session === undefined) {
    for (const rule of ["redis-no-foreign-keys", "redis-no-admin"] as const) evidence.add(rule, "skipped", "not tried: the service does not get in");
  } else {
    try {
      await tryForbidden(evidence, session, secret, scopes);
    } finally {
      session.close();
    }
  }
  await evidence.record("redis-no-anonymous", async () => ({ detail: await tryAnonymous(secret, readAdmin, signal) }));
  return evidence.all;
}

/** Leaves the session open; its own key is removed. */
async function useOwnKeys(service: string, secret: StoreSecret, signal: AbortSignal | undefined): Promise<{ detail: string; value: RedisSession }> {
  const session = await RedisSession.open({ endpoint: secret, login: secret, signal });
  try {
    const key = `${ownPrefix(service, secret)}${randomBytes(8).toString("hex")}`;
    if (secret.scope !== "") {
      const name = await session.send("ACL", "WHOAMI");
      if (name !== service) throw new Error(`the secret's login is ${String(name)}, not ${service}`);
    }
    try {
      await session.send("SET", key, "written", "EX", KEY_LIFE_S);
      if ((await session.send("GET", key)) !== "written") throw new Error(`what was written under ${key} is not what is read`);
      if ((await session.send("EVAL", "return redis.call('GET', KEYS[1])", "1", key)) !== "written") throw new Error("a script does not read what was written");
      await session.send("PUBLISH", key, "said");
    } finally {
      await session.send("DEL", key);
    }
    return { detail: `wrote, read and removed a key under ${secret.scope || "no prefix"}, with a script too, and published (${session.protocol})`, value: session };
  } catch (error) {
    session.close();
    throw error;
  }
}

function ownPrefix(service: string, { scope }: StoreSecret): string {
  return `${scope || redisScope(service)}bulkhead-validate:`;
}

async function tryForbidden(evidence: Recorder, session: RedisSession, secret: StoreSecret, scopes: readonly string[]): Promise<void> {
  const { scope } = secret;
  if (scope === "") {
    for (const rule of ["redis-no-foreign-keys", "redis-no-admin"] as const) evidence.add(rule, "skipped", "does not apply: the server is the service's own, and knows no users");
    return;
  }
  const name = `bulkhead-validate:${randomBytes(8).toString("hex")}`;
  const stem = scope.slice(0, -1);
  // Beside the others' prefixes: a longer name that begins like it, the name without the end of its prefix, and nobody's.
  const foreign = [...scopes.filter((other) => other !== scope).slice(0, FOREIGN_MAX), `${stem}x:`, `${stem}-x:`, stem, "bulkhead:", ""].map((prefix) => `${prefix}${prefix === stem ? "-" : ""}${name}`);
  const attempts = [...foreign.flatMap((key) => foreignAttempts(`${scope}${name}`, key)), ...WATCHING_ATTEMPTS, ...adminAttempts(`${scope}${name}`)];
  let outcomes: AttemptOutcome[];
  const startedAt = performance.now();
  try {
    outcomes = await runRefusedAttempts(session, attempts);
  } catch (error) {
    for (const rule of ["redis-no-foreign-keys", "redis-no-admin"] as const) evidence.add(rule, "failed", `it could not be tried: ${sentenceOf(error, secret)}`, startedAt);
    return;
  }
  for (const rule of ["redis-no-foreign-keys", "redis-no-admin"] as const) {
    const tried = outcomes.filter(({ attempt }) => attempt.rule === rule);
    const problems = tried.flatMap(({ problem }) => problem ?? []);
    if (problems.length === 0) evidence.add(rule, "passed", `${tried.length} commands were refused${rule === "redis-no-foreign-keys" ? ` (${foreign.length} prefixes)` : ""}`, startedAt);
    else evidence.add(rule, "failed", `${problems.slice(0, 5).join("; ")}${problems.length > 5 ? `; and ${problems.length - 5} more` : ""}`, startedAt);
  }
}

function sentenceOf(error: unknown, secret: StoreSecret): string {
  return redact(error instanceof BulkheadError ? error.message : messageOf(error), [secret.password]);
}

/** Gathers what was found out about a service. */
class Recorder {
  readonly all: Evidence[] = [];

  constructor(private readonly service: string) {}

  add(rule: StoreRule, status: Evidence["status"], detail: string, startedAt = performance.now()): void {
    this.all.push({ rule, service: this.service, status, detail, ms: performance.now() - startedAt, ...(status === "failed" && { heal: HEAL }) });
  }

  /** What `attempt` throws is why the rule does not hold. */
  async record<T>(rule: StoreRule, attempt: () => Promise<{ detail: string; value?: T }>): Promise<T | undefined> {
    const startedAt = performance.now();
    try {
      const { detail, value } = await attempt();
      this.add(rule, "passed", detail, startedAt);
      return value;
    } catch (error) {
      this.add(rule, "failed", redact(messageOf(error)), startedAt);
      return undefined;
    }
  }
}

import { readFileSync } from "node:fs";
import { isIP } from "node:net";

import { importModule } from "../config/secret-stores";
import type { ModuleLoader } from "../config/secret-stores";
import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import { parseStoreSecret } from "../stores/store-secret";
import type { StoreSecret } from "../stores/store-secret";

/** What is used of a client of `ioredis` 5 or 6. In words of its own, so that the library's types do without it. */
export interface RedisClient {
  ping(): Promise<unknown>;
  connect(): Promise<unknown>;
  disconnect(): void;
  on(event: "ready" | "end", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  off(event: "ready" | "end", listener: () => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
}

export interface CreateRedisOptions {
  /** What the service gets in with; one of `secret` and `secretFile`. */
  readonly secret?: StoreSecret;
  /** The file that holds it, e.g. `process.env.REDIS_SECRET_FILE`. Read again whenever the connection is made anew, so that a new password is taken up without a restart. */
  readonly secretFile?: string;
  /** For one connection, TLS included. Default 5,000 ms. */
  readonly connectTimeoutMs?: number;
  /** For the answer to one command. A blocking command (`BLPOP`, `XREAD BLOCK`) needs a client of its own, with more than it waits. Default 2,000 ms. */
  readonly commandTimeoutMs?: number;
  /** Until the first connection stands, attempts and waits between them included. Default 10,000 ms. */
  readonly startTimeoutMs?: number;
  /** The longest wait between two attempts to connect again. Default 2,000 ms. */
  readonly reconnectMaxMs?: number;
  /** Hears of every failed connection; without a secret in it. A command's own failure is told to whoever gave it. Default: nobody hears. */
  readonly onError?: (error: Error) => void;
  /** Loads `ioredis`, an optional peer. Default: `import()`. */
  readonly loadModule?: ModuleLoader;
}

/** The constructor's options that are set here, by ioredis' names. */
interface ClientSettings {
  host: string;
  port: number;
  username: string;
  password: string;
  tls: { readonly ca: string; readonly servername?: string; readonly minVersion: "TLSv1.2"; readonly rejectUnauthorized: true };
}

interface RedisModule {
  readonly Redis: new (settings: object) => RedisClient & {
    readonly options: ClientSettings;
    readonly stream?: { on(event: "error", listener: () => void): unknown };
    on(event: "connecting", listener: () => void): unknown;
  };
}

const RECONNECT_MIN_MS = 50;
/** A connection whose server sends nothing is given up after as many command timeouts: it is dead, and every command on it would wait for nothing. */
const SILENT_TIMEOUTS = 2;

/**
 * A client of ioredis for one service's secret, connected, over TLS with the server's certificate and name verified. Everything about it is bounded:
 *
 * - A command that gets no answer in time, or whose connection breaks, fails; it is never sent again, since it may have been carried out. `retry()` is for what may be repeated.
 * - Nothing is queued while there is no connection: commands fail at once (`enableOfflineQueue: false`). ioredis would keep any number of them, and send them even after their callers were told that they failed.
 * - The connection is made again as long as the client lives, with growing, randomly spread waits, so a fleet does not come back at one moment.
 *
 * Keys are not prefixed: they begin with the secret's `scope`, and what does not is refused with NOPERM. Where the server is the service's own (Memorystore), `scope` is empty and nothing is refused.
 * `createRedis<Redis>(…)` with ioredis' own type gives a client of that type. Close it with `quit()` or `disconnect()`.
 *
 * @throws BulkheadError `REDIS_SECRET_UNUSABLE`, `REDIS_CLIENT_MISSING`, `REDIS_LOGIN_REFUSED`, `REDIS_UNREACHABLE`
 */
export async function createRedis<Client extends RedisClient = RedisClient>(options: CreateRedisOptions): Promise<Client> {
  const { connectTimeoutMs = 5_000, commandTimeoutMs = 2_000, startTimeoutMs = 10_000, reconnectMaxMs = 2_000, onError = () => {}, loadModule = importModule } = options;
  const secret = readSecret(options);
  const { Redis } = await loadRedis(loadModule);
  const redis = new Redis({
    ...settingsOf(secret),
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    socketTimeout: SILENT_TIMEOUTS * commandTimeoutMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // It asks with INFO, which tells of everybody and is not a service's to ask. A server that loads its data answers LOADING.
    enableReadyCheck: false,
    retryStrategy(times: number): number {
      if (options.secretFile !== undefined) takeUp(redis.options, options);
      return reconnectDelayMs(times, reconnectMaxMs, Math.random());
    },
  });
  // ioredis hears a socket's first error only; one that is ended in TLS's handshake has two, and an error that nobody hears ends the process. The socket is made right after this event.
  redis.on("connecting", () => void setImmediate(() => redis.stream?.on("error", () => {})));
  let lastError: Error | undefined;
  redis.on("error", (error) => {
    lastError = withoutArguments(error);
    onError(lastError);
  });
  try {
    await start(redis, startTimeoutMs);
  } catch (error) {
    redis.disconnect();
    throw startError(secret, lastError ?? error, startTimeoutMs);
  }
  return redis as unknown as Client;
}

/** Between half and all of what doubles with each attempt. `random`: from 0 to 1. */
export function reconnectDelayMs(times: number, maxMs: number, random: number): number {
  const fullMs = Math.min(maxMs, RECONNECT_MIN_MS * 2 ** Math.min(times, 20));
  return Math.round(fullMs * (0.5 + random / 2));
}

/** Resolves when the client is ready; the client itself tries again meanwhile, but for a refused login, which no patience mends. */
async function start(redis: RedisClient, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let stopListening = (): void => {};
  try {
    await new Promise<void>((resolve, reject) => {
      const onReady = (): void => resolve();
      const onEnd = (): void => reject(new Error("the client was closed"));
      const onError = (error: Error): void => (isLoginRefused(error) ? reject(error) : undefined);
      redis.on("ready", onReady);
      redis.on("end", onEnd);
      redis.on("error", onError);
      stopListening = () => void [redis.off("ready", onReady), redis.off("end", onEnd), redis.off("error", onError)];
      timer = setTimeout(() => reject(new Error("it took too long")), timeoutMs);
      // What it fails with, the events say too.
      redis.connect().catch(() => {});
    });
  } finally {
    clearTimeout(timer);
    stopListening();
  }
}

function isLoginRefused(error: Error | undefined): boolean {
  return error !== undefined && /^(?:WRONGPASS|NOAUTH|NOPERM)/.test(error.message);
}

function startError({ host, port, username, password }: StoreSecret, error: unknown, timeoutMs: number): BulkheadError {
  const why = redact(messageOf(error), [password]);
  if (error instanceof Error && isLoginRefused(error)) {
    return new BulkheadError("REDIS_LOGIN_REFUSED", `Redis at ${host}:${port} refuses the login of ${username}: ${why}`, { hint: "npx bulkhead up writes logins and secrets anew; then start the service again", cause: error });
  }
  return new BulkheadError("REDIS_UNREACHABLE", `no connection to Redis at ${host}:${port} within ${timeoutMs} ms: ${why}`, { hint: "npx bulkhead status says what runs", cause: error });
}

function readSecret({ secret, secretFile }: CreateRedisOptions): StoreSecret {
  if (secret !== undefined) return secret;
  const hint = "the service's secret is made by npx bulkhead up; REDIS_SECRET_FILE says where it is";
  if (secretFile === undefined) throw new BulkheadError("REDIS_SECRET_UNUSABLE", "no secret for Redis was given", { hint: "pass secret or secretFile" });
  let found: StoreSecret | undefined;
  try {
    found = parseStoreSecret(readFileSync(secretFile, "utf8"));
  } catch (error) {
    throw new BulkheadError("REDIS_SECRET_UNUSABLE", `the secret ${secretFile} cannot be read: ${messageOf(error)}`, { hint, cause: error });
  }
  if (found === undefined) throw new BulkheadError("REDIS_SECRET_UNUSABLE", `the secret ${secretFile} is not whole`, { hint });
  return found;
}

/** The secret as it is now, for the next attempt. While it is being replaced the last one is tried again. */
function takeUp(settings: ClientSettings, options: CreateRedisOptions): void {
  try {
    Object.assign(settings, settingsOf(readSecret(options)));
  } catch {
    // The server says whether what there was still counts.
  }
}

function settingsOf({ host, port, username, password, ca }: StoreSecret): ClientSettings {
  return { host, port, username, password, tls: { ca, ...(isIP(host) === 0 && { servername: host }), minVersion: "TLSv1.2", rejectUnauthorized: true } };
}

/** ioredis keeps a failed command with its arguments in the error; of a login that is the password. */
function withoutArguments(error: Error): Error {
  Reflect.deleteProperty(error, "command");
  return error;
}

async function loadRedis(loadModule: ModuleLoader): Promise<RedisModule> {
  try {
    return (await loadModule("ioredis")) as RedisModule;
  } catch (cause) {
    throw new BulkheadError("REDIS_CLIENT_MISSING", "the package ioredis cannot be loaded, so there is no client for Redis", { hint: "npm install ioredis", cause });
  }
}

import { connectRetry, isPrivateAddress, poolOptions } from "../config";
import type { AppConfig } from "../config";
import { RetryBudget } from "../errors/retry-budget";
import type { RetryOptions } from "../errors/retry";
import type { PoolOptions } from "../pool";
import { createPool } from "../pool";
import { formatForDriver } from "../url";
import type { DatabaseUrl, DatabaseUrlDialect } from "../url";
import { SessionError } from "./errors";
import { credentialsFrom } from "./login";
import { PrimaryGuard } from "./primary-guard";
import type { PrimaryChange } from "./primary-guard";
import { Replica } from "./replica";
import type { Databases } from "./run-session";

/** Where a manager's databases are, and how to reach them, where it does not come from a `ConfigManager`. */
export interface DatabaseConfig {
  /** Of the primary: a libpq URI, or one that was parsed already. */
  readonly url: string | DatabaseUrl;
  /** Of the read replica (READ_REPLICA_URL). Default: none. */
  readonly replicaUrl?: string | DatabaseUrl | undefined;
  /** The dialect of the URLs' parameters. Default libpq. */
  readonly dialect?: DatabaseUrlDialect | undefined;
  /** Options of both pools; they win over what the URL says. `keepOnQueryError` is on unless it is set here. */
  readonly pool?: PoolOptions | undefined;
  /** How far the replica may be behind before read-only sessions go to the primary. Milliseconds; default 5,000. */
  readonly replicaLagMaxMs?: number | undefined;
  /** Attempts to connect at start, the first included. Default 3, floor 1. */
  readonly connectAttemptsMax?: number | undefined;
}

const REPLICA_LAG_MAX_MS = 5_000;
const CONNECT_ATTEMPTS_MAX = 3;
const CONNECT_DEADLINE_MS = 60_000;

/** What the pools are made from; making it reads the URLs and the certificates that they name. */
export interface ResolvedDatabases {
  readonly primary: PoolOptions;
  readonly replica: PoolOptions | undefined;
  readonly replicaLagMaxMs: number;
}

/**
 * Turns the configuration into options of pools.
 * @throws DatabaseUrlError; SessionError MANAGER_NO_DATABASE where the configuration fell back to memory
 */
export function resolveDatabases(config: DatabaseConfig | AppConfig): ResolvedDatabases {
  if ("url" in config) return fromUrls(config);
  const { database, readReplica } = config;
  if (database.kind === "memory") throw new SessionError("MANAGER_NO_DATABASE", `The configuration has no database: ${database.reason}.`, "Use InMemoryDatabase, or set DATABASE_URL.");
  const primary = { ...poolOptions(config, database), keepOnQueryError: true };
  return {
    primary,
    replica: readReplica === undefined ? undefined : { ...poolOptions(config, readReplica), keepOnQueryError: true, name: `${config.service}-replica` },
    replicaLagMaxMs: config.readReplicaLagMaxMs,
  };
}

function fromUrls(config: DatabaseConfig): ResolvedDatabases {
  const options = (url: string | DatabaseUrl, name: string): PoolOptions => ({
    ...formatForDriver(url, "node-postgres", config.dialect === undefined ? {} : { dialect: config.dialect }),
    keepOnQueryError: true,
    ...config.pool,
    name,
  });
  const name = config.pool?.name ?? "primary";
  return {
    primary: options(config.url, name),
    replica: config.replicaUrl === undefined ? undefined : options(config.replicaUrl, config.pool?.name === undefined ? "replica" : `${name}-replica`),
    replicaLagMaxMs: config.replicaLagMaxMs ?? REPLICA_LAG_MAX_MS,
  };
}

/** The same databases, whose pools read their login from the configuration again: it is loaded anew by `load`. */
export function followingLogins(databases: ResolvedDatabases, load: () => DatabaseConfig | AppConfig | Promise<DatabaseConfig | AppConfig>): ResolvedDatabases {
  const follow = (which: "primary" | "replica", { user, password, ...options }: PoolOptions): PoolOptions => {
    // What the caller says itself it means, as for IAM tokens.
    if (options.credentials !== undefined || options.connectionString !== undefined) return { user, password, ...options };
    return { ...options, credentials: credentialsFrom({ user, password }, async () => resolveDatabases(await load())[which]) };
  };
  const { primary, replica } = databases;
  return { ...databases, primary: follow("primary", primary), replica: replica === undefined ? undefined : follow("replica", replica) };
}

/** How often, how long and with which pauses the first connection is tried: longer ones while an instance or its way into the network warms up. */
export function connectRetryOf(config: DatabaseConfig | AppConfig): RetryOptions {
  if ("url" in config) return { attemptsMax: config.connectAttemptsMax ?? CONNECT_ATTEMPTS_MAX, deadlineMs: CONNECT_DEADLINE_MS, budget: new RetryBudget() };
  const { database, serverless } = config;
  return connectRetry(config, { serverless, privateHost: database.kind === "postgres" && isPrivateAddress(database.host), uptimeMs: process.uptime() * 1_000 });
}

/** Makes the pools; opens no connection. @throws PoolError POOL_OPTIONS_INVALID */
export function makeDatabases({ primary, replica, replicaLagMaxMs }: ResolvedDatabases, onPrimaryChange: (change: PrimaryChange) => void): Databases {
  const guard = new PrimaryGuard(onPrimaryChange);
  const primaryPool = createPool({ ...primary, validateConnection: both(guard.validate, primary) });
  guard.guard(primaryPool);
  if (replica === undefined) return { primary: primaryPool, guard, replica: undefined };
  const reader = new Replica(() => guard.epoch, replicaLagMaxMs);
  reader.use(createPool({ ...replica, validateConnection: both(reader.validate, replica) }));
  return { primary: primaryPool, guard, replica: reader };
}

/** Closes both pools. Always ends. */
export async function closeDatabases({ primary, replica }: Databases, graceMs: number | undefined): Promise<void> {
  await Promise.all([primary.close({ graceMs }), ...(replica === undefined ? [] : [replica.pool.close({ graceMs })])]);
}

function both(own: NonNullable<PoolOptions["validateConnection"]>, { validateConnection }: PoolOptions): NonNullable<PoolOptions["validateConnection"]> {
  if (validateConnection === undefined) return own;
  return async (client) => {
    await own(client);
    await validateConnection(client);
  };
}

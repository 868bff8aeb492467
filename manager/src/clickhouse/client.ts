import { readFile, stat } from "node:fs/promises";

import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import { parseStoreSecret } from "../stores/store-secret";
import type { StoreSecret } from "../stores/store-secret";

/** What is used of `@clickhouse/client`'s client, in words of its own, so that this library's types do without that package. */
export interface ClickHouseClientLike {
  ping(params: { readonly select: true; readonly abort_signal?: AbortSignal }): Promise<{ readonly success: true } | { readonly success: false; readonly error: Error }>;
  close(): Promise<void>;
}

export interface CreateClickHouseOptions {
  /** For one request, its answer included; a query that takes longer runs on in the server until its own limit. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** Connections at once; requests beyond wait for one. Default 10. */
  readonly maxOpenConnections?: number;
  /** Named in the server's query log. */
  readonly application?: string;
  /** Loads `@clickhouse/client`, an optional peer. Default: `import()`. */
  readonly loadModule?: (name: string) => Promise<unknown>;
}

const SDK = "@clickhouse/client";
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_OPEN_CONNECTIONS = 10;
/** Servers hang up on idle connections, some of them after 3 seconds; the client has to be first. */
const IDLE_SOCKET_MS = 2_500;
const SECRET_MAX_BYTES = 64 * 1024;

/**
 * A client of `@clickhouse/client`, into the service's own database, over HTTPS with the server verified by the secret's authority. It connects with the first request. Say which type it has:
 * `createClickHouse<import("@clickhouse/client").ClickHouseClient>(…)`.
 *
 * @param source the secret, or the file that it is in, as CLICKHOUSE_SECRET_FILE names it
 * @throws BulkheadError `CLICKHOUSE_SECRET`, `CLICKHOUSE_SDK_MISSING`
 */
export async function createClickHouse<Client extends ClickHouseClientLike = ClickHouseClientLike>(source: StoreSecret | { readonly secretFile: string }, options: CreateClickHouseOptions = {}): Promise<Client> {
  const { requestTimeoutMs = REQUEST_TIMEOUT_MS, maxOpenConnections = MAX_OPEN_CONNECTIONS, application, loadModule = (name: string): Promise<unknown> => import(name) } = options;
  const { host, port, ca, username, password, scope } = "secretFile" in source ? await readSecret(source.secretFile) : source;
  const { createClient, ClickHouseLogLevel } = await loadSdk(loadModule);
  return createClient({
    url: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    username,
    password,
    database: scope,
    tls: { ca_cert: Buffer.from(ca) },
    request_timeout: requestTimeoutMs,
    max_open_connections: maxOpenConnections,
    keep_alive: { enabled: true, idle_socket_ttl: IDLE_SOCKET_MS },
    // It writes to the console what it then throws.
    log: { level: ClickHouseLogLevel.OFF },
    ...(application === undefined ? {} : { application }),
  }) as Client;
}

async function readSecret(path: string): Promise<StoreSecret> {
  const hint = "see whether CLICKHOUSE_SECRET_FILE names the file, and whether this process may read it";
  let text: string;
  try {
    const { size } = await stat(path);
    text = size > SECRET_MAX_BYTES ? "" : await readFile(path, "utf8");
  } catch (cause) {
    throw new BulkheadError("CLICKHOUSE_SECRET", `the secret for ClickHouse in ${path} cannot be read: ${redact(messageOf(cause))}`, { hint, cause });
  }
  const secret = parseStoreSecret(text);
  if (secret === undefined) throw new BulkheadError("CLICKHOUSE_SECRET", `the secret for ClickHouse in ${path} is not whole`, { hint: "npx bulkhead up" });
  return secret;
}

/** What is used of the package. */
interface ClickHouseSdk {
  readonly createClient: (config: object) => unknown;
  readonly ClickHouseLogLevel: { readonly OFF: number };
}

async function loadSdk(load: (name: string) => Promise<unknown>): Promise<ClickHouseSdk> {
  try {
    return (await load(SDK)) as ClickHouseSdk;
  } catch (cause) {
    throw new BulkheadError("CLICKHOUSE_SDK_MISSING", `the package ${SDK} cannot be loaded: ${redact(messageOf(cause))}`, { hint: `npm install ${SDK}`, cause });
  }
}

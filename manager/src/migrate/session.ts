import { hostname } from "node:os";
import { Client } from "pg";
import type { ClientConfig } from "pg";
import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";

/** What every command of this folder needs to know. */
export interface MigrationTarget {
  /**
   * Connection of the service's migrator, straight to the server (no pooler); or an open client, which is left open, with its session
   * settings reset, and closed only where `signal` aborts.
   */
  readonly client: ClientConfig | Client;
  /** The service's name, for messages and for the session's application_name. */
  readonly service: string;
  /** The role that owns the service's database and objects; every session of the migrator must act as it. */
  readonly owner: string;
  /** Told in one line each what is waited for, retried or done. Default: nobody. */
  readonly progress?: (line: string) => void;
  /** Ends the work: the statement that runs is cancelled, what it did is rolled back, the lock is given back. */
  readonly signal?: AbortSignal;
}

/** An open session of the migrator that was checked by `withSession`. */
export interface MigrationSession {
  readonly client: Client;
  readonly database: string;
  readonly service: string;
  readonly owner: string;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

const CONNECT_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Opens the session, checks that it is what it should be, runs `work`, and closes it in any case. Throws MIGRATION_CONNECT_FAILED,
 * MIGRATION_POOLER (a session lock and a SET do not hold behind one), MIGRATION_WRONG_ROLE, MIGRATION_ABORTED.
 */
export async function withSession<T>(target: MigrationTarget, work: (session: MigrationSession) => Promise<T>): Promise<T> {
  const { signal, service } = target;
  throwIfAborted(target);
  const given = isClient(target.client);
  const client = isClient(target.client) ? target.client : new Client(sessionConfig(target.client, service));
  const ignoreError = (): void => {
    // The query that runs, or the next one, is rejected with the same fault; without a listener it would end the process.
  };
  const progress = target.progress ?? ((): void => {});
  const showWarning = (notice: { severity?: string | undefined; message?: string | undefined }): void => {
    if (notice.severity === "WARNING") progress(`${service}: warning from Postgres: ${redact(notice.message ?? "")}`);
  };
  client.on("error", ignoreError);
  client.on("notice", showWarning);
  // Upon a destroyed socket the server cancels the query and rolls back (client_connection_check_interval, see apply.ts).
  const abort = (): void => destroySocket(client);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    if (!given) await connect(client, target);
    const database = await checkSession(client, target);
    return await work({ client, database, service, owner: target.owner, progress, signal });
  } catch (error) {
    throwIfAborted(target, error);
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
    if (!given) await close(client);
    client.off("notice", showWarning);
    if (given) client.off("error", ignoreError);
  }
}

/** By its shape: the caller may have another copy of node-postgres. */
function isClient(client: ClientConfig | Client): client is Client {
  return "query" in client;
}

/** Throws MIGRATION_ABORTED if the caller's signal says so. */
export function throwIfAborted({ signal, service }: { readonly signal?: AbortSignal | undefined; readonly service: string }, cause?: unknown): void {
  if (signal?.aborted !== true) return;
  throw new BulkheadError("MIGRATION_ABORTED", `The migrations of ${service} were interrupted; what was not finished has been rolled back.`, {
    hint: `npx bulkhead migrate status ${service}`,
    cause: cause ?? signal.reason,
  });
}

/** A polite goodbye, bounded: a network that is gone never answers. */
async function close(client: Client): Promise<void> {
  const timer = setTimeout(() => destroySocket(client), CLOSE_TIMEOUT_MS);
  try {
    await client.end();
  } catch {
    // It is closed; that is all that was wanted.
  } finally {
    clearTimeout(timer);
  }
}

function destroySocket(client: Client): void {
  (client as Client & { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

function sessionConfig(config: ClientConfig, service: string): ClientConfig {
  return {
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // Says who holds the lock when another one waits for it; Postgres keeps 63 bytes.
    application_name: `bulkhead migrate ${service} (${process.pid}@${hostname()})`.slice(0, 63),
    // node-postgres would fall back to PGOPTIONS of whoever runs the command.
    options: "-c search_path=public",
    ...config,
  };
}

async function connect(client: Client, { service }: MigrationTarget): Promise<void> {
  try {
    await client.connect();
  } catch (error) {
    const message = redact(messageOf(error));
    if (/unsupported startup parameter/i.test(message)) throw poolerError(service);
    throw new BulkheadError("MIGRATION_CONNECT_FAILED", `The migrator of ${service} cannot connect to ${client.host}:${client.port}: ${message}`, {
      hint: "npx bulkhead doctor",
      cause: error,
    });
  }
}

async function checkSession(client: Client, { service, owner }: MigrationTarget): Promise<string> {
  const { rows } = await client.query<{ pid: number; role: string; login: string; database: string }>(
    "SELECT pg_backend_pid() AS pid, current_user AS role, session_user AS login, current_database() AS database",
  );
  const { pid, role, login, database } = rows[0]!;
  // A pooler answers the start-up with a process id of its own, since that is what it must recognise a cancel request by.
  if ((client as Client & { processID: number }).processID !== pid) throw poolerError(service);
  if (role !== owner) {
    throw new BulkheadError(
      "MIGRATION_WRONG_ROLE",
      `The migrations of ${service} must run as ${owner}, but the session of ${login} acts as ${role}: what it creates would belong to the wrong role.`,
      { hint: `npx bulkhead provision (it sets ALTER ROLE ${login} SET role = '${owner}')` },
    );
  }
  return database;
}

function poolerError(service: string): BulkheadError {
  return new BulkheadError(
    "MIGRATION_POOLER",
    `The migrator of ${service} is connected through a connection pooler: the migration lock and session settings do not hold there.`,
    { hint: "give the migrator's secret the host and port of the Postgres server itself" },
  );
}

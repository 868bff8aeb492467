import type { AddressInfo } from "node:net";
import fastify from "fastify";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ConfigManager, ConnectionMonitor, DatabaseManager, EscalationPolicy, FallbackStore, classifyError, healthHandler } from "../../manager/src";
import type { InMemoryDatabase, JournalEntry, NewRows, RowChanges, Rows, TableName } from "../../manager/src";
import type { RunningService, ServiceOptions } from "../run-service";
import { Primary, isTable } from "./primary";

/** With a stand-in at hand nobody needs to wait long for the primary. */
const ACQUIRE_TIMEOUT_MS = 1_000;
const FIND_LIMIT = 100;
const CONFLICTS_MAX = 1_000;

/** A write of the outage that the primary refuses for good: the same address was registered elsewhere meanwhile, say. */
interface Conflict {
  readonly entry: JournalEntry;
  readonly reason: string;
}

/** apihub: a catalog of APIs, and the people and tokens that may call them. It goes on while its database is away, on what it can remember. */
export async function startApihub({ environment, port, host = "127.0.0.1", connectionLimit, log }: ServiceOptions): Promise<RunningService> {
  const loaded = await new ConfigManager({ service: "apihub", environment, connectionLimit }).load();
  const config = { ...loaded, pool: { ...loaded.pool, acquireTimeoutMs: ACQUIRE_TIMEOUT_MS } };
  const escalation = new EscalationPolicy({ onAlert: ({ level, reason, group }) => log(`${level}: ${group.error.meaning} (${reason})`) });
  const monitor = new ConnectionMonitor({ name: "apihub", slowQueryMs: config.monitoring.slowQueryThresholdMs, log });
  const database = new DatabaseManager({ config, escalation, monitoring: { start: ({ primary }) => monitor.watch(primary) } });

  // A database that is away is no reason not to start; a wrong password or certificate is.
  const initial = await database.open().then(
    () => "primary" as const,
    (error: unknown) => {
      const { class: errorClass, meaning } = classifyError(error);
      if (errorClass !== "connection" && errorClass !== "timeout") throw error;
      log(`started without the database: ${meaning}`);
      return "memory" as const;
    },
  );

  const conflicts: Conflict[] = [];
  const primary = new Primary(database);
  const store = new FallbackStore<Primary>({
    primary,
    initial,
    probeMaxMs: 5_000,
    // Asks for more than a connection: a server in recovery would let in, and take no writes.
    probe: async () => {
      if (database.state !== "ready") await database.open();
      const { rows } = await database.query<{ away: boolean }>("SELECT pg_is_in_recovery() AS away");
      if (rows[0]?.away !== false) throw new Error("the primary is in recovery");
    },
    merge: (entry) => mergeOrKeep(primary, conflicts, entry),
    onStateChange: ({ from, to, reason }) => log(`${from} → ${to}: ${reason}`),
  });

  const app = fastify({ logger: false, bodyLimit: 64 * 1024, forceCloseConnections: "idle" });
  const health = healthHandler({ monitors: [monitor], details: environment.get("HEALTH_TOKEN") ?? (() => false) });
  for (const path of ["/health/live", "/health/details", "/metrics"]) app.get(path, health);
  // These two know of the stand-in: on memory the service is ready, and degraded.
  app.get("/health", (_request, reply) => reply.send({ status: store.health().status === "degraded" ? "degraded" : monitor.getHealthStatus().status, store: store.health(), conflicts: conflicts.length }));
  app.get("/health/ready", (_request, reply) => reply.send({ status: "ready" }));
  app.get("/conflicts", (_request, reply) => reply.send(conflicts.map(({ entry, reason }) => ({ reason, table: entry.table, operation: entry.operation, id: entry.id, row: shown(entry.row ?? {}) }))));
  addTables(app, store);
  app.setErrorHandler((error, _request, reply) => answerError(error, reply));
  try {
    await app.listen({ port, host });
  } catch (error) {
    store.close();
    await database.close();
    throw error;
  }

  const close = async (): Promise<void> => {
    await app.close();
    store.close();
    // What the primary never heard of must not go unnoticed with the process.
    for (const entry of store.memory.journal.peek(Number.POSITIVE_INFINITY)) log(`not merged: ${entry.operation} of ${entry.table} ${entry.id}`);
    await database.close({ graceMs: 0 });
  };
  return { port: (app.server.address() as AddressInfo).port, close };
}

/** Create, read, update and delete, for each of the four tables. */
function addTables(app: FastifyInstance, store: FallbackStore<Primary>): void {
  type Params = { Params: { readonly table: string; readonly id: string } };

  app.get<Params>("/:table", async (request, reply) => {
    const table = tableOf(request);
    const rows = await store.run({ readOnly: true, primary: (primary) => primary.find(table, FIND_LIMIT), memory: (memory) => findIn(memory, table) });
    // A list from memory has what was written since the primary went, and not the rest: it says so.
    if (store.state !== "primary") reply.header("x-degraded", "memory");
    return rows.map(shown);
  });

  app.get<Params>("/:table/:id", async (request) => {
    const table = tableOf(request);
    const { id } = request.params;
    return shown(found(await store.run({ readOnly: true, primary: (primary) => primary.read(table, id), memory: async (memory) => known(await memory[table].read(id)) })));
  });

  app.post<Params>("/:table", async (request, reply) => {
    const table = tableOf(request);
    const row = rowOf<NewRows[TableName]>(request);
    const created = await store.run<object | undefined>({ primary: (primary) => primary.create(table, row), memory: (memory) => createIn(memory, table, row) });
    return reply.code(201).send(shown(found(created)));
  });

  app.patch<Params>("/:table/:id", async (request) => {
    const table = tableOf(request);
    const { id } = request.params;
    const changes = rowOf<RowChanges<TableName>>(request);
    return shown(found(await store.run<object | undefined>({ primary: (primary) => primary.update(table, id, changes), memory: async (memory) => known(await memory[table].update(id, changes)) })));
  });

  app.delete<Params>("/:table/:id", async (request, reply) => {
    const table = tableOf(request);
    const { id } = request.params;
    found(await store.run({ primary: (primary) => primary.delete(table, id), memory: async (memory) => known((await memory[table].delete(id)) || undefined) }));
    return reply.code(204).send();
  });
}

/** Memory does not know what the primary has, so that it does not find something does not mean that it is not there. */
class NotKnownNow extends Error {
  readonly statusCode = 503;
}

const NOT_KNOWN = "not known while the database is away, try again";

class NotFound extends Error {
  readonly statusCode = 404;
}

function known<T extends object | true>(value: T | undefined): T {
  if (value === undefined) throw new NotKnownNow(NOT_KNOWN);
  return value;
}

function found<T>(value: T | undefined): T {
  if (value === undefined || value === false) throw new NotFound("not found");
  return value;
}

/** A row as clients see it: what is stored of tokens and codes stays here. */
function shown(row: object): object {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !name.endsWith("_hash")));
}

function findIn(memory: InMemoryDatabase, table: TableName): Promise<Rows[TableName][]> {
  return memory[table].find({}, { limit: FIND_LIMIT });
}

async function createIn(memory: InMemoryDatabase, table: TableName, row: NewRows[TableName]): Promise<object> {
  try {
    // The compiler does not see that the row fits the table; memory itself does, column by column.
    return await (memory[table] as { create(row: NewRows[TableName]): Promise<object> }).create(row);
  } catch (error) {
    // The user that a token is for may be known to the primary.
    if ((error as { code?: unknown }).code === "23503") throw new NotKnownNow(NOT_KNOWN);
    throw error;
  }
}

function tableOf(request: FastifyRequest<{ Params: { readonly table: string } }>): TableName {
  const { table } = request.params;
  if (!isTable(table)) throw new NotFound("not found");
  return table;
}

/** The request's body as a row: timestamps come as text in JSON. That the rest fits, the database sees to. */
function rowOf<Row>(request: FastifyRequest): Row {
  const entries = Object.entries((request.body ?? {}) as Record<string, unknown>);
  return Object.fromEntries(entries.map(([name, value]) => [name, name.endsWith("_at") && typeof value === "string" ? new Date(value) : value])) as Row;
}

/** A write that the primary refuses for good is kept for a person; anything else stops the merge, which goes on with the same entry later. */
async function mergeOrKeep(primary: Primary, conflicts: Conflict[], entry: JournalEntry): Promise<void> {
  try {
    await primary.merge(entry);
  } catch (error) {
    const { class: errorClass, meaning } = classifyError(error);
    if (errorClass !== "constraint" || conflicts.length >= CONFLICTS_MAX) throw error;
    conflicts.push({ entry, reason: meaning });
  }
}

function answerError(error: unknown, reply: FastifyReply): FastifyReply {
  const { statusCode, message } = error as { statusCode?: unknown; message: string };
  if (typeof statusCode === "number" && statusCode >= 400) return reply.code(statusCode).send({ error: message });
  const { class: errorClass, userImpact, meaning } = classifyError(error);
  if (errorClass === "constraint") return reply.code(409).send({ error: meaning });
  if (errorClass === "data" || errorClass === "schema" || errorClass === "query") return reply.code(400).send({ error: meaning });
  if (errorClass === "unknown-outcome") return reply.code(503).send({ error: "outcome unknown" });
  const unavailable = userImpact === "service-unavailable" || ["connection", "timeout", "resource", "serialization", "deadlock"].includes(errorClass);
  return reply.code(unavailable ? 503 : 500).send({ error: unavailable ? "not available, try again" : "failed" });
}

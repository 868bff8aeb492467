import type { Client } from "pg";

import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import { closeSession } from "../../manager/src/postgres/connect";
import { AGREED_DATABASE } from "../../manager/src/provision/read-cluster";
import { degradations, storeFindings, storesAreReady } from "../../manager/src/stores/degraded";
import type { Degradation } from "../../manager/src/stores/degraded";
import type { StoreAbsence } from "../../manager/src/stores/store";
import type { StoreKind } from "../../manager/src/stores/store-secret";
import { loadCatalog, openTier } from "../lib/command-context";
import type { CommandContext, LiveTier } from "../lib/command-context";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { table } from "../lib/table";

/** One service as `status` shows it. Null: not known, or there never was one. */
interface ServiceStatus {
  readonly name: string;
  readonly database: string;
  readonly ready: boolean;
  /** What it wants and does not have. */
  readonly degraded: readonly Degradation[];
  readonly sizeBytes: number | null;
  readonly connections: { readonly used: number; readonly limit: number } | null;
  readonly schemaVersion: number | null;
  readonly lastBackupAt: string | null;
  readonly lastVerifiedRestoreAt: string | null;
  readonly rotatedAt: string | null;
  /** What is not as declared. */
  readonly findings: readonly string[];
  /** The command to type next; null when there is nothing to do. */
  readonly nextAction: string | null;
}

/** What the tier's compartments look like now. Changes nothing, and answers also when the server is down. */
export async function status(context: CommandContext): Promise<ExitCode> {
  const { stack, config, target, output } = context;
  const { running, reason, host, port, ...server } = await target.status(context);
  const tier = running ? await openTier(context) : undefined;
  const version = tier?.access.serverVersion ?? server.version;
  const { services, stores } = tier === undefined ? { services: stoppedServices(), stores: [] } : await readServices(context, tier);
  output.result(
    { version: 1, stack, target: config.target, server: { version: version ?? null, host: host ?? null, port: port ?? null, running, ...(reason === undefined ? {} : { reason }) }, stores, services },
    [
      running ? `Stack ${stack}: PostgreSQL ${version} on ${host}:${port}` : `Stack ${stack}: Postgres does not run: ${reason}`,
      ...stores.map(({ store, ready, absence, services: asking }) => `${STORE_NAMES[store]} for ${asking.join(", ")}: ${ready ? "ready" : absence === null ? "not ready: npm run up" : `not there, since ${absence.reason}`}`),
      "",
      table([
        ["SERVICE", "DATABASE", "SIZE", "CONNECTIONS", "SCHEMA", "BACKUP", "STATE"],
        ...services.map(({ name, database, sizeBytes, connections, schemaVersion, lastBackupAt, ready, nextAction }) => [
          name,
          database,
          sizeBytes === null ? "-" : `${(sizeBytes / 1024 / 1024).toFixed(1)} MB`,
          connections === null ? "-" : `${connections.used} of ${connections.limit}`,
          schemaVersion === null ? "-" : String(schemaVersion),
          lastBackupAt ?? "never",
          ready ? (nextAction === null ? "ready" : `degraded: ${nextAction}`) : `not ready: ${nextAction}`,
        ]),
      ]),
      ...services.flatMap(({ name, findings, degraded }) => [...findings, ...degraded.map(({ store, reason }) => `no ${store}: ${reason}`)].map((line) => `  ${name}: ${line}`)),
    ].join("\n"),
  );
  return EXIT.done;
}

function stoppedServices(): ServiceStatus[] {
  return loadCatalog().services.flatMap(({ name, database }) => (database === null ? [] : [{ name, database, ...UNKNOWN, nextAction: "npm run up" }]));
}

const STORE_NAMES: Readonly<Record<StoreKind, string>> = { redis: "Redis", clickhouse: "ClickHouse" };

const UNKNOWN = { ready: false, degraded: [], sizeBytes: null, connections: null, schemaVersion: null, lastBackupAt: null, lastVerifiedRestoreAt: null, rotatedAt: null, findings: [] };

/** Redis or ClickHouse, as `status` shows it. */
interface StoreStatus {
  readonly store: StoreKind;
  readonly ready: boolean;
  /** Why it cannot be used, and what mends it. */
  readonly absence: StoreAbsence | null;
  readonly services: readonly string[];
  readonly findings: readonly string[];
}

async function readServices({ root, signal }: CommandContext, { access, catalog, plan }: LiveTier): Promise<{ services: ServiceStatus[]; stores: StoreStatus[] }> {
  const [{ compartments, stores }, usage] = await Promise.all([access.operations.observe({ catalog, plan, root, signal }), readUsage(access)]);
  const services = compartments.map(({ service, token, schemaVersion, ...compartment }, index) => {
    const { name: database, connectionLimit } = plan.compartments[index]!.database;
    const used = usage.get(database);
    const findings = [...compartment.findings, ...storeFindings(service, stores)];
    const isReady = token !== null && storesAreReady(service, stores);
    const degraded = degradations(service, stores);
    return {
      name: service,
      database,
      ...UNKNOWN,
      ready: isReady,
      degraded,
      sizeBytes: used?.sizeBytes ?? null,
      connections: used === undefined ? null : { used: used.connections, limit: connectionLimit },
      schemaVersion,
      rotatedAt: used?.setUpAt ?? null,
      findings,
      nextAction: isReady ? (degraded[0]?.fix ?? null) : findings.some((finding) => finding.startsWith("migration ")) ? `npx bulkhead migrate status ${service}` : "npm run up",
    };
  });
  return { services, stores: stores.map(({ kind, token, ...store }) => ({ store: kind, ready: store.absence === null && token !== null, absence: store.absence, services: store.services, findings: store.findings })) };
}

/** What one query of the admin's tells of a database. */
interface Usage {
  readonly sizeBytes: number;
  readonly connections: number;
  readonly setUpAt: string | null;
}

/** Size and sessions of every database, in one query of the admin's; empty where no session gets through from here, as with a job's transport. */
async function readUsage({ openSession }: LiveTier["access"]): Promise<Map<string, Usage>> {
  let client: Client;
  try {
    client = await openSession(AGREED_DATABASE);
  } catch (error) {
    if (error instanceof BulkheadError && error.code === "REACH_NO_SESSION") return new Map();
    throw error;
  }
  try {
    const { rows } = await client.query<{ database: string; size: string; connections: string; set_up_at: Date | null }>(`
      SELECT d.datname AS database, pg_database_size(d.oid) AS size, count(a.pid) AS connections, max(c.set_up_at) AS set_up_at
      FROM pg_database d JOIN bulkhead.compartment c ON c.database = d.datname
      LEFT JOIN pg_stat_activity a ON a.datid = d.oid AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
      GROUP BY d.oid, d.datname`);
    return new Map(rows.map(({ database, size, connections, set_up_at }) => [database, { sizeBytes: Number(size), connections: Number(connections), setUpAt: set_up_at?.toISOString() ?? null }]));
  } finally {
    await closeSession(client);
  }
}

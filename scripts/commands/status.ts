import type { Client } from "pg";

import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import { closeSession } from "../../manager/src/postgres/connect";
import { AGREED_DATABASE } from "../../manager/src/provision/read-cluster";
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
  const { running, reason, version, host, port } = await target.status(context);
  const services = running ? await readServices(context, await openTier(context)) : stoppedServices();
  output.result(
    { version: 1, stack, target: config.target, server: { version: version ?? null, host: host ?? null, port: port ?? null, running, ...(reason === undefined ? {} : { reason }) }, services },
    [
      running ? `Stack ${stack}: PostgreSQL ${version ?? ""} on ${host}:${port}` : `Stack ${stack}: Postgres does not run: ${reason}`,
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
          ready ? "ready" : `not ready: ${nextAction}`,
        ]),
      ]),
      ...services.flatMap(({ name, findings }) => findings.map((finding) => `  ${name}: ${finding}`)),
    ].join("\n"),
  );
  return EXIT.done;
}

function stoppedServices(): ServiceStatus[] {
  return loadCatalog().services.flatMap(({ name, database }) => (database === null ? [] : [{ name, database, ...UNKNOWN, nextAction: "npm run up" }]));
}

const UNKNOWN = { ready: false, sizeBytes: null, connections: null, schemaVersion: null, lastBackupAt: null, lastVerifiedRestoreAt: null, rotatedAt: null, findings: [] };

async function readServices({ root, signal }: CommandContext, { access, catalog, plan }: LiveTier): Promise<ServiceStatus[]> {
  const [{ compartments }, usage] = await Promise.all([access.operations.observe({ catalog, plan, root, signal }), readUsage(access)]);
  return compartments.map(({ service, findings, token, schemaVersion }, index) => {
    const { name: database, connectionLimit } = plan.compartments[index]!.database;
    const used = usage.get(database);
    const isReady = token !== null;
    return {
      name: service,
      database,
      ...UNKNOWN,
      ready: isReady,
      sizeBytes: used?.sizeBytes ?? null,
      connections: used === undefined ? null : { used: used.connections, limit: connectionLimit },
      schemaVersion,
      rotatedAt: used?.setUpAt ?? null,
      findings,
      nextAction: isReady ? null : findings.some((finding) => finding.startsWith("migration ")) ? `npx bulkhead migrate status ${service}` : "npm run up",
    };
  });
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

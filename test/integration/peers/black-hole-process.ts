/** Runs the cells of black-hole-cells.ts in network namespaces of its own, each on a lane of its own; prints the results. Start it with `unshare -n`. */
import type { PoolClient } from "pg";
import { classifyError } from "../../../manager/src/errors";
import { createPool } from "../../../manager/src/pool";
import type { Pool } from "../../../manager/src/pool";
import { startNetwork } from "../../support/network-lanes";
import type { Lane } from "../../support/network-lanes";
import { startPlainServer } from "../../support/plain-server";
import type { PlainServer } from "../../support/plain-server";
import { until } from "../../support/pool";
import { CELLS, DEADLINES, nameOf } from "./black-hole-cells";
import type { BlackHoleCell, BlackHoleResult } from "./black-hole-cells";

const INSERT = "INSERT INTO writes VALUES ($1)";
/** As long as Postgres keeps. */
const applicationNameOf = (key: string): string => key.slice(0, 60);

/** Sends a statement of a cell that waits for the cell's lock, and lets packets be lost while the server is at it, however busy the machine is. */
async function hitWhileRunning(looking: Pool, key: string, send: () => Promise<unknown>, fault: () => void): Promise<void> {
  const gate = await looking.connect();
  try {
    await gate.query("SELECT pg_advisory_lock(hashtext($1))", [key]);
    const answer = send();
    answer.catch(() => undefined);
    await until(async () => (await gate.query("SELECT FROM pg_stat_activity WHERE application_name = $1 AND wait_event = 'advisory'", [applicationNameOf(key)])).rowCount === 1, `${key}: the server is at it`);
    fault();
    await gate.query("SELECT pg_advisory_unlock_all()");
    await answer;
  } finally {
    gate.release(true);
  }
}

async function steps(cell: BlackHoleCell, pool: Pool, looking: Pool, key: string, fault: () => void): Promise<void> {
  const client = await pool.connect();
  switch (cell.phase) {
    case "idle":
    case "in validation":
      client.release();
      fault();
      await pool.query("SELECT 1");
      return;
    case "in release":
      await client.query("BEGIN");
      fault();
      client.release();
      await pool.query("SELECT 1");
      return;
    case "connect":
    case "in query":
    case "in write":
    case "in transaction":
    case "in COMMIT":
      try {
        await withClient(cell, client, pool, looking, key, fault);
      } finally {
        client.release();
      }
  }
}

async function withClient({ phase, dropped }: BlackHoleCell, client: PoolClient, pool: Pool, looking: Pool, key: string, fault: () => void): Promise<void> {
  if (phase === "in query") return hitWhileRunning(looking, key, () => client.query("SELECT pg_advisory_xact_lock(hashtext($1))", [key]), fault);
  if (phase === "connect") {
    fault();
    return (await pool.connect()).release();
  }
  if (phase !== "in write") await client.query("BEGIN");
  if (phase !== "in write") await client.query(INSERT, [key]);
  // The table's trigger makes COMMIT wait for the cell's lock. Where requests are lost, COMMIT itself must be.
  if (phase === "in COMMIT" && dropped !== "requests") return hitWhileRunning(looking, key, () => client.query("COMMIT"), fault);
  fault();
  if (phase === "in write") await client.query(INSERT, [key]);
  else await client.query(phase === "in COMMIT" ? "COMMIT" : "SELECT 1");
}

async function runCell(cell: BlackHoleCell, lane: Lane, server: PlainServer, looking: Pool): Promise<BlackHoleResult> {
  const key = nameOf(cell);
  const pool = createPool({ ...server.superuser, host: lane.host, ...DEADLINES, max: 3, application_name: applicationNameOf(key), validateAfterIdleMs: cell.phase === "in validation" ? 0 : 60_000 });
  let healing: NodeJS.Timeout | undefined;
  try {
    await pool.query("SELECT 1");
    const startedAt = performance.now();
    const error: unknown = await steps(cell, pool, looking, key, () => {
      lane.drop(cell.dropped);
      if (cell.healsAfterMs !== undefined) healing = setTimeout(() => lane.restore(), cell.healsAfterMs);
    }).catch((thrown: unknown) => thrown);
    const elapsedMs = performance.now() - startedAt;
    lane.restore();
    const restoredAt = performance.now();
    await pool.query("SELECT 1");
    const servedAfterMs = performance.now() - restoredAt;
    await until(() => pool.totalCount === pool.idleCount, `${key}: everything is idle`);
    const { total, idle, inUse, waiting } = pool.stats();
    // The kernel of the client delivers, late, what it still had: the query, and the end of the connection.
    await until(async () => (await server.run(`SELECT FROM pg_stat_activity WHERE application_name = '${applicationNameOf(key)}' AND state <> 'idle'`)).length === 0, `${key}: no backend is at work or in a transaction`, 30_000);
    const [row] = await server.run(`SELECT count(*)::int AS n FROM writes WHERE key = '${key}'`);
    const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
    const outcome = error === undefined ? "ok" : typeof code === "string" ? code : String(message);
    return { outcome, ...(error === undefined ? {} : { errorClass: classifyError(error).class }), elapsedMs, rows: row!["n"] as number, servedAfterMs, total, idle, inUse, waiting };
  } finally {
    clearTimeout(healing);
    await pool.close({ graceMs: 0 });
  }
}

async function main(): Promise<void> {
  // One lane more, which nothing happens to, for looking.
  const network = await startNetwork(CELLS.length + 1);
  const [looking, ...lanes] = network.lanes as [Lane, ...Lane[]];
  let server: PlainServer | undefined;
  let pool: Pool | undefined;
  try {
    const started = (server = await startPlainServer({ host: looking.host, namespaceOf: network.serverNamespaceOf }));
    await server.run(
      "CREATE TABLE writes (key text)",
      "CREATE FUNCTION held_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.key LIKE 'in COMMIT%' THEN PERFORM pg_advisory_xact_lock(hashtext(NEW.key)); END IF; RETURN NULL; END $$",
      "CREATE CONSTRAINT TRIGGER held_commit AFTER INSERT ON writes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION held_commit()",
    );
    const unharmed = (pool = createPool({ ...server.superuser, max: CELLS.length }));
    const results = await Promise.all(CELLS.map((cell, index) => runCell(cell, lanes[index]!, started, unharmed).catch((error: unknown) => ({ outcome: `the cell failed: ${String(error)}` }))));
    process.stdout.write(JSON.stringify(results));
  } finally {
    await pool?.close();
    await server?.stop();
    network.stop();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});

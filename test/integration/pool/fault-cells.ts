import type { PoolClient } from "pg";
import { classifyError } from "../../../manager/src/errors";
import type { ErrorClass } from "../../../manager/src/errors";
import { createPool } from "../../../manager/src/pool";
import type { Pool, PoolOptions } from "../../../manager/src/pool";
import { startFaultProxy } from "../../support/fault-proxy";
import type { Fault, FaultProxy } from "../../support/fault-proxy";
import { poolConfig, until } from "../../support/pool";
import type { TestServer } from "../../support/server";

export const FAULTS = {
  latency: { kind: "latency", ms: 30 },
  down: { kind: "down" },
  "black hole": { kind: "black-hole" },
  bandwidth: { kind: "bandwidth", bytesPerSecond: 20_000 },
  reset: { kind: "reset" },
  "slow close": { kind: "slow-close", ms: 300 },
  slicing: { kind: "slicing", bytes: 3 },
  "data limit": { kind: "data-limit", bytes: 20 },
} as const satisfies Record<string, Fault>;

export const PHASES = ["connect", "auth", "idle", "in query", "in transaction", "in COMMIT", "in release", "in validation"] as const;

export type FaultName = keyof typeof FAULTS;
export type Phase = (typeof PHASES)[number];

/** Short deadlines, so that 64 cells take seconds. */
export const DEADLINES = { acquireTimeoutMs: 2500, connectTimeoutMs: 1500, queryTimeoutMs: 1500, validationTimeoutMs: 400, resetTimeoutMs: 400, maxLifetimeSeconds: 0 };

/** How a cell ended. */
export interface CellResult {
  /** "ok", or the error's code, or its message where it has none. */
  readonly outcome: string;
  /** What `classifyError` makes of the error; undefined where there is none. */
  readonly errorClass: ErrorClass | undefined;
  /** How long the call under fault took. */
  readonly elapsedMs: number;
  /** Rows that the cell's one write left. */
  readonly rows: number;
  /** Whether the first query after the fault succeeded. */
  readonly servedAfter: boolean;
  /** The pool's counts once everything was given back. */
  readonly inUse: number;
  readonly waiting: number;
  readonly total: number;
  readonly idle: number;
}

/** What a phase needs. */
interface Cell {
  readonly pool: Pool;
  readonly proxy: FaultProxy;
  readonly fault: Fault;
  readonly key: string;
  /** Bytes from the server after which a connection is past TLS and before the end of authentication. */
  readonly authBytes: number;
}

/** Runs one cell on a pool and a proxy of its own. The table `writes(key text)` must exist. */
export async function runCell(server: TestServer, faultName: FaultName, phase: Phase, authBytes: number): Promise<CellResult> {
  const proxy = await startFaultProxy(server);
  const options: PoolOptions = { ...poolConfig(server, proxy), ...DEADLINES, application_name: `${faultName} ${phase}`, max: 3, validateAfterIdleMs: phase === "in validation" ? 0 : 60_000, name: `${faultName} ${phase}` };
  const pool = createPool(options);
  const cell: Cell = { pool, proxy, fault: FAULTS[faultName], key: `${faultName} ${phase}`, authBytes };
  try {
    // The pool has served before: from here on it treats a lost database as an outage, not as a wrong address.
    await pool.query("SELECT 1");
    const startedAt = performance.now();
    let error: unknown;
    try {
      await PHASE_STEPS[phase](cell);
    } catch (thrown) {
      error = thrown;
    }
    const elapsedMs = performance.now() - startedAt;
    await proxy.clear();
    const servedAfter = await pool.query("SELECT 1").then(
      () => true,
      () => false,
    );
    await until(() => pool.totalCount === pool.idleCount, `${cell.key}: everything is idle`);
    const { inUse, waiting, total, idle } = pool.stats();
    // A backend that lost its client in COMMIT goes on until it is done.
    await until(async () => (await pool.query(OTHERS_AT_WORK, [cell.key])).rowCount === 0, `${cell.key}: no backend is at work any more`);
    const written = await pool.query<{ rows: number }>("SELECT count(*)::int AS rows FROM writes WHERE key = $1", [cell.key]);
    return { outcome: outcomeOf(error), errorClass: error === undefined ? undefined : classifyError(error).class, elapsedMs, rows: written.rows[0]?.rows ?? -1, servedAfter, inUse, waiting, total, idle };
  } finally {
    await pool.end();
    await proxy.stop();
  }
}

const OTHERS_AT_WORK = "SELECT FROM pg_stat_activity WHERE application_name = $1 AND state = 'active' AND pid <> pg_backend_pid()";
const INSERT = "INSERT INTO writes VALUES ($1)";

const PHASE_STEPS: Record<Phase, (cell: Cell) => Promise<unknown>> = {
  // A second connection is needed: the first is held.
  async connect({ pool, proxy, fault }) {
    await withClient(pool, async () => {
      await proxy.set(fault);
      await withClient(pool, (client) => client.query("SELECT 1"));
    });
  },
  async auth({ pool, proxy, fault, authBytes }) {
    await withClient(pool, async () => {
      await proxy.set(fault, { afterServerBytes: authBytes });
      await withClient(pool, (client) => client.query("SELECT 1"));
    });
  },
  async idle({ pool, proxy, fault }) {
    await proxy.set(fault);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await pool.query("SELECT 1");
  },
  "in query": async ({ pool, proxy, fault }) => {
    const query = pool.query("SELECT pg_sleep(0.2)");
    await Promise.all([query, faultDuring(proxy, fault, 60)]);
  },
  "in transaction": async ({ pool, proxy, fault, key }) => {
    await withClient(pool, async (client) => {
      await client.query("BEGIN");
      await client.query(INSERT, [key]);
      await proxy.set(fault);
      await client.query("SELECT 1");
      await client.query("COMMIT");
    });
  },
  // The table's deferred trigger makes COMMIT take 0.2 s, and the fault comes while it runs.
  "in COMMIT": async ({ pool, proxy, fault, key }) => {
    await withClient(pool, async (client) => {
      await client.query("BEGIN");
      await client.query(INSERT, [key]);
      await Promise.all([client.query("COMMIT"), faultDuring(proxy, fault, 60)]);
    });
  },
  "in release": async ({ pool, proxy, fault }) => {
    const client = await pool.connect();
    await client.query("BEGIN");
    await proxy.set(fault);
    client.release();
    await pool.query("SELECT 1");
  },
  "in validation": async ({ pool, proxy, fault }) => {
    await proxy.set(fault);
    await pool.query("SELECT 1");
  },
};

async function faultDuring(proxy: FaultProxy, fault: Fault, afterMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  await proxy.set(fault);
}

async function withClient<T>(pool: Pool, use: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    return await use(client);
  } finally {
    client.release();
  }
}

function outcomeOf(error: unknown): string {
  if (error === undefined) return "ok";
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === "string" ? code : String(message);
}

import { createPool } from "../../../manager/src/pool";
import type { PoolOptions } from "../../../manager/src/pool";
import { startFaultProxy } from "../../support/fault-proxy";
import { until } from "../../support/pool";

/** A process that closing.test.ts starts: what is of interest is how it ends. */
const config = JSON.parse(process.env.POOL_CONFIG ?? "{}") as PoolOptions;
const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function terminated(): Promise<void> {
  const pool = createPool({ ...config, max: 2 });
  const killer = createPool({ ...config, max: 1 });
  const kill = async (pid: unknown): Promise<unknown> => killer.query("SELECT pg_terminate_backend($1, 5000)", [pid]);
  const { rows } = await pool.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  await kill(rows[0]?.pid);
  await new Promise((resolve) => setTimeout(resolve, 50));
  print("idle: survived");
  const client = await pool.connect();
  await kill((client as unknown as { processID: number }).processID);
  await new Promise((resolve) => setTimeout(resolve, 50));
  client.release();
  print("lent: survived");
  await Promise.all([pool.end(), killer.end()]);
}

async function exitOnIdle(): Promise<void> {
  const pool = createPool({ ...config, allowExitOnIdle: true });
  const { rows } = await pool.query<{ one: number }>("SELECT 1 AS one");
  print(String(rows[0]?.one));
}

async function waiting(): Promise<void> {
  const proxy = await startFaultProxy({ host: "localhost", port: Number(config.port) });
  const pool = createPool({ ...config, port: proxy.port, acquireTimeoutMs: 400 });
  (await pool.acquire({ timeoutMs: 30_000 })).release();
  await proxy.set({ kind: "down" });
  await until(() => pool.totalCount === 0, "the end of the idle connection is noticed");
  await pool.query("SELECT 1").catch((error: { code: string }) => print(error.code));
  await pool.end();
}

async function throwingListener(): Promise<void> {
  process.on("uncaughtException", (error) => print(error.message));
  const pool = createPool({ ...config, max: 1 });
  pool.once("acquire", () => {
    throw new Error("a bug in a listener");
  });
  await pool.query("SELECT 1");
  print(`idle: ${pool.idleCount}`);
  await pool.end();
}

const scripts: Record<string, () => Promise<void>> = { terminated, "exit-on-idle": exitOnIdle, waiting, "throwing-listener": throwingListener };
void scripts[process.argv[2] ?? ""]?.();

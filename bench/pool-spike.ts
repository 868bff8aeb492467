/**
 * A spike on a warm pool: 5 connections are open, 50 callers come at once, opening another connection takes 150 ms more, each query 2 ms.
 *
 *   node -r ./bench/register.cjs bench/pool-spike.ts [rounds]
 */
import pg from "pg";
import { createPool } from "../manager/src/pool";
import { startFaultProxy } from "../test/support/fault-proxy";
import { poolConfig, startPoolServer } from "../test/support/pool";
import { median } from "./ratio";

const WARM = 5;
const CALLERS = 50;
const CONNECT_DELAY_MS = 150;
const QUERY = "SELECT pg_sleep(0.002)";

interface AnyPool {
  connect(): Promise<{ query(text: string): Promise<unknown>; release(): void }>;
  query(text: string): Promise<unknown>;
  end(): Promise<void>;
  readonly totalCount: number;
}

/** Time until all callers are served, and connections opened for them. */
async function spike(make: (port: number) => AnyPool, server: { host: string; port: number }): Promise<{ ms: number; opened: number }> {
  const proxy = await startFaultProxy(server, { connectDelayMs: CONNECT_DELAY_MS });
  const pool = make(proxy.port);
  const clients = await Promise.all(Array.from({ length: WARM }, () => pool.connect()));
  await Promise.all(clients.map((client) => client.query(QUERY)));
  for (const client of clients) client.release();
  const before = proxy.accepted;
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: CALLERS }, () => pool.query(QUERY)));
  const ms = performance.now() - startedAt;
  const opened = proxy.accepted - before;
  await pool.end();
  await proxy.stop();
  return { ms, opened };
}

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 9);
  const server = await startPoolServer(120);
  const contestants: readonly [string, (port: number) => AnyPool][] = [
    ["bulkhead", (port) => createPool({ ...poolConfig(server, { port }), max: CALLERS })],
    ["pg-pool", (port) => new pg.Pool({ ...poolConfig(server, { port }), max: CALLERS } as pg.PoolConfig)],
  ];
  const results = new Map<string, { ms: number; opened: number }[]>(contestants.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, make] of contestants) results.get(name)?.push(await spike(make, { host: server.host, port: server.port }));
  }
  console.log(`${CALLERS} callers at once on ${WARM} warm connections, max ${CALLERS}, connecting costs ${CONNECT_DELAY_MS} ms more, query 2 ms; ${rounds} rounds`);
  for (const [name, runs] of results) {
    console.log(`${name.padEnd(10)} all served after ${median(runs.map(({ ms }) => ms)).toFixed(1)} ms (worst ${Math.max(...runs.map(({ ms }) => ms)).toFixed(1)}), new connections ${median(runs.map(({ opened }) => opened))} (most ${Math.max(...runs.map(({ opened }) => opened))})`);
  }
  await server.stop();
}

void main();

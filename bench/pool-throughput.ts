/**
 * Throughput of the pool beside pg-pool 3.14, both with their defaults, on one TLS server, in turns. Ratios over 1 are in our favour.
 *
 *   node -r ./bench/register.cjs bench/pool-throughput.ts [rounds]
 */
import pg from "pg";
import { createPool } from "../manager/src/pool";
import { poolConfig, startPoolServer } from "../test/support/pool";
import { paired } from "./ratio";

/** What both pools have. */
interface AnyPool {
  connect(): Promise<{ query(text: string): Promise<unknown>; release(): void }>;
  query(text: string): Promise<unknown>;
  end(): Promise<void>;
}

const WAYS = 10;

/** Operations per second of `workers` that each do `step` `count / workers` times. */
async function rate(count: number, workers: number, step: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (let done = 0; done < count / workers; done++) await step();
    }),
  );
  return (count * 1000) / (performance.now() - startedAt);
}

const CASES: readonly { readonly name: string; readonly count: number; readonly workers: number; readonly step: (pool: AnyPool) => () => Promise<void> }[] = [
  { name: "acquire + release", count: 40_000, workers: 1, step: (pool) => async () => (await pool.connect()).release() },
  { name: "pool.query, one at a time", count: 2000, workers: 1, step: (pool) => async () => void (await pool.query("SELECT 1")) },
  { name: "pool.query, 10-way", count: 6000, workers: WAYS, step: (pool) => async () => void (await pool.query("SELECT 1")) },
  {
    name: "connect + query + release, 10-way",
    count: 6000,
    workers: WAYS,
    step: (pool) => async () => {
      const client = await pool.connect();
      await client.query("SELECT 1");
      client.release();
    },
  },
  // Twice as many callers as connections: the queue is used all the time.
  { name: "pool.query, 20-way on 10 connections", count: 6000, workers: 2 * WAYS, step: (pool) => async () => void (await pool.query("SELECT 1")) },
];

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 31);
  const server = await startPoolServer();
  const config = { ...poolConfig(server), max: WAYS };
  const ours: AnyPool = createPool(config);
  const peer: AnyPool = new pg.Pool(config as pg.PoolConfig);
  console.log(`${"case".padEnd(38)} ${"ours /s".padStart(9)} ${"pg-pool /s".padStart(10)}  ratio [95 % interval], ${rounds} rounds`);
  for (const { name, count, workers, step } of CASES) {
    const result = await paired(rounds, () => rate(count, workers, step(ours)), () => rate(count, workers, step(peer)));
    console.log(`${name.padEnd(38)} ${result.ours.toFixed(0).padStart(9)} ${result.peer.toFixed(0).padStart(10)}  ${result.ratio.toFixed(3)} [${result.interval[0].toFixed(3)}, ${result.interval[1].toFixed(3)}]`);
  }
  await ours.end();
  await peer.end();
  await server.stop();
}

void main();

/**
 * The database is gone for some seconds and comes back, while a call is issued every 20 ms and a second pool of callers keeps waiting. Measured for
 * "refused" (nobody listens, open connections closed) and "black hole" (no answer, no RST; what was open stays dead).
 *
 *   node -r ./bench/register.cjs bench/pool-outage.ts [outage seconds] [rounds]
 */
import pg from "pg";
import { createPool } from "../manager/src/pool";
import { startFaultProxy } from "../test/support/fault-proxy";
import type { Fault } from "../test/support/fault-proxy";
import { poolConfig, startPoolServer } from "../test/support/pool";

const ACQUIRE_TIMEOUT_MS = 1000;
const QUERY_TIMEOUT_MS = 1000;
const CALL_EVERY_MS = 20;
const WATCH_MS = 4000;

interface AnyPool {
  query(text: string): Promise<unknown>;
  end(): Promise<void>;
  on(event: "error", listener: () => void): unknown;
}

interface Call {
  readonly at: number;
  endedAt: number | undefined;
  ok: boolean;
}

interface Outcome {
  readonly calls: number;
  readonly firstSuccessMs: number;
  readonly failedAfter: number;
  readonly longestMs: number;
  readonly unsettled: number;
}

async function outage(pool: AnyPool, proxy: Awaited<ReturnType<typeof startFaultProxy>>, fault: Fault, seconds: number): Promise<Outcome> {
  pool.on("error", () => undefined);
  await Promise.all(Array.from({ length: 5 }, () => pool.query("SELECT pg_sleep(0.02)")));
  const calls: Call[] = [];
  const timer = setInterval(() => {
    const call: Call = { at: performance.now(), endedAt: undefined, ok: false };
    calls.push(call);
    pool.query("SELECT 1").then(
      () => Object.assign(call, { ok: true, endedAt: performance.now() }),
      () => Object.assign(call, { endedAt: performance.now() }),
    );
  }, CALL_EVERY_MS);
  await sleep(300);
  await proxy.set(fault);
  await sleep(seconds * 1000);
  await proxy.clear();
  const backAt = performance.now();
  await sleep(WATCH_MS);
  clearInterval(timer);
  await sleep(Math.max(ACQUIRE_TIMEOUT_MS, QUERY_TIMEOUT_MS) * 2);
  const settled = calls.filter(({ endedAt }) => endedAt !== undefined);
  const successes = settled.filter(({ ok, endedAt }) => ok && (endedAt ?? 0) > backAt).map(({ endedAt }) => (endedAt ?? 0) - backAt);
  return {
    calls: calls.length,
    firstSuccessMs: Math.min(...successes),
    failedAfter: calls.filter(({ at, ok }) => at >= backAt + 100 && !ok).length,
    longestMs: Math.max(...settled.map(({ at, endedAt }) => (endedAt ?? 0) - at)),
    unsettled: calls.length - settled.length,
  };
}

async function main(): Promise<void> {
  const seconds = Number(process.argv[2] ?? 5);
  const rounds = Number(process.argv[3] ?? 3);
  const server = await startPoolServer(120);
  const faults: Fault[] = [{ kind: "down" }, { kind: "black-hole" }];
  const contestants: readonly [string, (port: number) => AnyPool][] = [
    ["bulkhead", (port) => createPool({ ...poolConfig(server, { port }), acquireTimeoutMs: ACQUIRE_TIMEOUT_MS, queryTimeoutMs: QUERY_TIMEOUT_MS })],
    // The nearest that pg-pool has: its one time-out, and pg's client-side query time-out.
    ["pg-pool", (port) => new pg.Pool({ ...poolConfig(server, { port }), connectionTimeoutMillis: ACQUIRE_TIMEOUT_MS, query_timeout: QUERY_TIMEOUT_MS } as pg.PoolConfig)],
    ["pg-pool, as it comes", (port) => new pg.Pool(poolConfig(server, { port }) as pg.PoolConfig)],
  ];
  console.log(`outage of ${seconds} s, a call every ${CALL_EVERY_MS} ms, acquire deadline ${ACQUIRE_TIMEOUT_MS} ms, query deadline ${QUERY_TIMEOUT_MS} ms`);
  for (const fault of faults) {
    for (let round = 0; round < rounds; round++) {
      for (const [name, make] of contestants) {
        const proxy = await startFaultProxy({ host: server.host, port: server.port });
        const pool = make(proxy.port);
        const result = await outage(pool, proxy, fault, seconds);
        console.log(
          `${fault.kind.padEnd(10)} ${name.padEnd(20)} first success ${result.firstSuccessMs.toFixed(0).padStart(5)} ms after the return; of ${result.calls} calls, failed though issued 100 ms after it: ${result.failedAfter}; never settled: ${result.unsettled}; longest ${result.longestMs.toFixed(0)} ms`,
        );
        await Promise.race([pool.end(), sleep(3000)]);
        await proxy.stop();
      }
    }
  }
  await server.stop();
  process.exit(0);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

void main();

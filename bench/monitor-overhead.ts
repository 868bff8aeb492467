/**
 * What full monitoring costs a query: CPU time of the whole process per operation, of one pool that is watched and not, in turns, by 10 callers at once, on a query of 0.25 ms.
 * Ratios over 1 are what the monitor costs.
 *
 *   node -r ./bench/register.cjs bench/monitor-overhead.ts [rounds]
 */
import { ConnectionMonitor } from "../manager/src/monitor";
import { createPool } from "../manager/src/pool";
import type { Pool, PoolObserver } from "../manager/src/pool";
import { poolConfig, startPoolServer } from "../test/support/pool";
import { paired } from "./ratio";
import type { PairedResult } from "./ratio";

const CALLERS = 10;
/** Short rounds: what else the machine does then meets both alike. */
const OPERATIONS = 300;
/** About 0.25 ms of the server's CPU. */
const QUERY = "SELECT count(*) AS n FROM generate_series(1, $1::int) AS i";

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 401);
  const server = await startPoolServer();
  const config = { ...poolConfig(server), max: CALLERS };
  // One pool for all: two would differ in more than what is measured.
  const pool = createPool(config);
  const monitor = new ConnectionMonitor().watch(pool);
  const rows = await calibrate(pool);

  const cpuWith = (observer: PoolObserver | undefined) => async (): Promise<number> => {
    pool.observe(observer);
    const before = process.cpuUsage();
    await Promise.all(
      Array.from({ length: CALLERS }, async () => {
        for (let done = 0; done < OPERATIONS / CALLERS; done++) await pool.query(QUERY, [rows]);
      }),
    );
    const { user, system } = process.cpuUsage(before);
    return (user + system) / OPERATIONS;
  };
  const show = (name: string, { ours, peer, ratio, interval }: PairedResult): void => {
    console.log(`${name.padEnd(50)} ${ours.toFixed(2).padStart(7)} ${peer.toFixed(2).padStart(7)}  ${ratio.toFixed(3)} [${interval.map((value) => value.toFixed(3)).join(", ")}]`);
  };
  console.log(`${"CPU per operation, µs".padEnd(50)}    with without  ratio [95 % interval], ${rounds} rounds of ${OPERATIONS}`);
  show("monitor watching", await paired(rounds, cpuWith(monitor), cpuWith(undefined)));
  const silent: PoolObserver = { onAcquire: () => undefined, onRelease: () => undefined, onQuery: () => undefined };
  show("an observer that does nothing (the pool's part)", await paired(rounds, cpuWith(silent), cpuWith(undefined)));
  show("nothing beside nothing (the measurement's noise)", await paired(rounds, cpuWith(undefined), cpuWith(undefined)));
  if (monitor.getMetrics().totals.queries < rounds * OPERATIONS) throw new Error("the monitor did not see the queries");
  await pool.end();
  await server.stop();
}

/** How many rows make the query take 0.25 ms when nothing else runs, measured with one caller. */
async function calibrate(pool: Pool): Promise<number> {
  const elapsed = async (rows: number): Promise<number> => {
    const startedAt = performance.now();
    for (let index = 0; index < 300; index++) await pool.query(QUERY, [rows]);
    return (performance.now() - startedAt) / 300;
  };
  await elapsed(1);
  let rows = 100;
  while (rows < 10_000 && (await elapsed(rows)) < 0.25) rows = Math.ceil(rows * 1.3);
  console.log(`query: ${rows} rows, ${(await elapsed(rows)).toFixed(3)} ms`);
  return rows;
}

void main();

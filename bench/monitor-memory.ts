/**
 * Memory of one monitor: a typical service, 100,000 and 200,000 distinct statements, and 24 hours of traffic on a clock that is turned by hand.
 * Heap and typed arrays after a collection, without the parser's module, which is the process' own.
 *
 *   node -r ./bench/register.cjs bench/monitor-memory.ts
 */
import { ConnectionMonitor, fingerprintQuery, prepareFingerprints } from "../manager/src/monitor";
import { usedBytes } from "./support/heap";

const KB = 1024;
const HOUR_MS = 3_600_000;

function report(name: string, bytes: number): void {
  console.log(`${name.padEnd(72)} ${(bytes / KB).toFixed(0).padStart(6)} KB`);
}

/** One request: a connection, two queries. */
function request(monitor: ConnectionMonitor, texts: readonly [string, string], ms: number): void {
  monitor.onAcquire(0.05);
  for (const text of texts) monitor.onQuery(text, ms, undefined);
  monitor.onRelease(3 * ms);
}

async function main(): Promise<void> {
  // Code and caches that are there once for the process come first.
  await prepareFingerprints();
  for (let index = 0; index < 5_000; index++) fingerprintQuery(`SELECT ${"x".repeat(index % 50)}_${index} FROM t`);
  const warm = new ConnectionMonitor();
  for (let index = 0; index < 100_000; index++) request(warm, [`SELECT a FROM warm_${index % 5_000}`, `UPDATE warm_${index % 50} SET a = $1`], 1);
  await warm.getStatements();

  let before = usedBytes();
  const typical = new ConnectionMonitor();
  for (let index = 0; index < 100_000; index++) request(typical, [`SELECT id, name, created_at FROM orders_${index % 50} WHERE id = $1`, `UPDATE accounts_${index % 50} SET balance = balance - $1 WHERE id = $2`], 1);
  await typical.getStatements();
  report("typical: 100 statements, 200,000 queries", usedBytes() - before);
  report("  of it, a monitor that has seen nothing", emptyBytes());

  before = usedBytes();
  const crowded = new ConnectionMonitor();
  for (const limit of [100_000, 200_000, 300_000]) {
    for (let index = limit - 100_000; index < limit; index++) request(crowded, [`SELECT id, name, created_at FROM orders_${index} WHERE id = $1 AND state = 'open' ORDER BY created_at DESC LIMIT 20`, `SELECT ${index}`], 1);
    await crowded.getStatements();
    report(`${limit.toLocaleString("en")} distinct statements (tables), and as many distinct constants`, usedBytes() - before);
  }

  before = usedBytes();
  const huge = new ConnectionMonitor();
  for (let index = 0; index < 1_000; index++) huge.onQuery(`INSERT INTO t VALUES ${Array.from({ length: 20_000 }, (_, row) => `(${row}, ${index})`).join(", ")}`, 1, undefined);
  report("1,000 different statements of 300 KB each", usedBytes() - before);

  let nowMs = 0;
  before = usedBytes();
  const day = new ConnectionMonitor({ clock: { nowMs: () => nowMs }, slowQueryMs: 5 });
  for (let hour = 1; hour <= 120; hour++) {
    for (let index = 0; index < 3_600; index++) {
      nowMs += HOUR_MS / 3_600;
      request(day, [`SELECT id FROM orders_${index % 80} WHERE id = ${index}`, `SELECT * FROM report_${hour}_${index % 40}`], 1 + (index % 7));
    }
    await day.getStatements();
    day.getHealthStatus();
    if (hour === 1 || hour % 12 === 0) report(`${hour} h of traffic, 1 request/s, new statements every hour`, usedBytes() - before);
  }
  // They are still in use.
  if (![warm, typical, crowded, huge, day].every(({ active }) => active)) throw new Error("a monitor switched itself off");
}

function emptyBytes(): number {
  const before = usedBytes();
  const monitor = new ConnectionMonitor();
  const bytes = usedBytes() - before;
  return monitor.active ? bytes : NaN;
}

void main();

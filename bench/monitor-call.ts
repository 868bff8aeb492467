/**
 * CPU time of one call of the monitor, in nanoseconds. 50 statements that are known, as a service has; then texts that were never seen, whose constants are written into them.
 *
 *   node -r ./bench/register.cjs bench/monitor-call.ts [rounds]
 */
import { metrics } from "@opentelemetry/api";
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { ConnectionMonitor, exportToOpenTelemetry, fingerprintQuery, prepareFingerprints } from "../manager/src/monitor";
import { median } from "./ratio";

const CALLS = 100_000;
const STATEMENTS = Array.from({ length: 50 }, (_, table) => `SELECT u.id, u.name, count(o.id) FROM users_${table} u LEFT JOIN orders o ON o.user_id = u.id WHERE u.email = $1 GROUP BY u.id, u.name LIMIT 10`);
const FRESH = "SELECT u.id, u.name, count(o.id) FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE u.email = 'somebody@example.com' GROUP BY u.id, u.name LIMIT ";
let fresh = 0;

const rounds = Number(process.argv[2] ?? 21);

function measure(name: string, call: (index: number) => unknown, calls = CALLS): void {
  const round = (): number => {
    const before = process.cpuUsage();
    for (let index = 0; index < calls; index++) call(index);
    const { user, system } = process.cpuUsage(before);
    return ((user + system) * 1000) / calls;
  };
  round();
  const values = Array.from({ length: rounds }, round).sort((a, b) => a - b);
  const at = (share: number): string => (values[Math.floor((values.length - 1) * share)] ?? NaN).toFixed(0).padStart(7);
  console.log(`${name.padEnd(52)} ${median(values).toFixed(0).padStart(7)} ${at(0.1)} ${at(0.9)}`);
}

async function main(): Promise<void> {
  console.log(`${"call".padEnd(52)}  median     p10     p90   ns of CPU, ${rounds} rounds of ${CALLS}`);
  const monitor = new ConnectionMonitor();
  const statement = (index: number): string => STATEMENTS[index % STATEMENTS.length] as string;
  measure("performance.now(), for comparison", () => performance.now());
  measure("onAcquire", () => monitor.onAcquire(0.01));
  measure("onRelease", () => monitor.onRelease(1.5));
  measure("onQuery, a known statement", (index) => monitor.onQuery(statement(index), 0.25, undefined));
  const error = Object.assign(new Error("duplicate key value"), { code: "23505", severity: "ERROR" });
  measure("onQuery, a known statement that failed", (index) => monitor.onQuery(statement(index), 0.25, error));
  measure("onQuery, a text never seen (constants inside)", () => monitor.onQuery(FRESH + String(fresh++), 0.25, undefined), 10_000);
  measure("getHealthStatus", () => monitor.getHealthStatus(), 1_000);

  measure("fingerprintQuery, tokenizer, never seen", () => fingerprintQuery(FRESH + String(fresh++)), 10_000);
  await prepareFingerprints();
  measure("fingerprintQuery, parser, never seen", () => fingerprintQuery(FRESH + String(fresh++)), 10_000);
  measure("fingerprintQuery, known", (index) => fingerprintQuery(statement(index)));

  const meterProvider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE), exportIntervalMillis: 3_600_000, exportTimeoutMillis: 1_000 })] });
  metrics.setGlobalMeterProvider(meterProvider);
  const stop = await exportToOpenTelemetry(monitor);
  measure("onAcquire, with OpenTelemetry's SDK 2.8", () => monitor.onAcquire(0.01));
  measure("onQuery, with OpenTelemetry's SDK 2.8", (index) => monitor.onQuery(statement(index), 0.25, undefined));
  stop();
  await meterProvider.shutdown();
}

void main();

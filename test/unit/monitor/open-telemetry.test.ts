import { metrics as api } from "@opentelemetry/api";
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import type { MetricData } from "@opentelemetry/sdk-metrics";
import { exportToOpenTelemetry } from "../../../manager/src/monitor";
import type { TelemetryMeterProvider } from "../../../manager/src/monitor/open-telemetry";
import { IDLE, Traffic } from "./traffic";

const POOL = "db.client.connection.pool.name";
const STATE = "db.client.connection.state";

let exporter: InMemoryMetricExporter;
let reader: PeriodicExportingMetricReader;
let meterProvider: MeterProvider;
let stops: (() => void)[];

beforeEach(() => {
  exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000, exportTimeoutMillis: 5_000 });
  meterProvider = new MeterProvider({ readers: [reader] });
  stops = [];
});

afterEach(async () => {
  for (const stop of stops) stop();
  await meterProvider.shutdown();
});

async function watched(name: string, options = {}): Promise<Traffic> {
  const traffic = new Traffic({ name, ...options });
  stops.push(await exportToOpenTelemetry(traffic.monitor, { meterProvider }));
  return traffic;
}

async function collected(): Promise<Map<string, MetricData>> {
  exporter.reset();
  await reader.forceFlush();
  return new Map(exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics.map((metric) => [metric.descriptor.name, metric] as const))));
}

test("two pools of one process keep their own counts, also when one of them ends", async () => {
  const first = await watched("first");
  const second = await watched("second");
  first.stats = { ...IDLE, idle: 1, inUse: 7, waiting: 3 };
  second.stats = { ...IDLE, idle: 4, inUse: 2, max: 10 };
  const values = (metrics: Map<string, MetricData>, name: string): unknown[] => (metrics.get(`db.client.connection.${name}`)?.dataPoints ?? []).map(({ attributes, value }) => [attributes[POOL], attributes[STATE], value]);
  for (let read = 0; read < 2; read++) {
    const metrics = await collected();
    expect(values(metrics, "count")).toEqual([["first", "idle", 1], ["first", "used", 7], ["second", "idle", 4], ["second", "used", 2]]);
    expect(values(metrics, "max")).toEqual([["first", undefined, 20], ["second", undefined, 10]]);
    expect(values(metrics, "pending_requests")).toEqual([["first", undefined, 3], ["second", undefined, 0]]);
  }
  stops.shift()?.();
  first.stats = { ...IDLE, inUse: 19 };
  first.monitor.onAcquire(5);
  const after = await collected();
  expect(values(after, "count")).not.toContainEqual(["first", "used", 19]);
  expect(after.get("db.client.connection.wait_time")?.dataPoints ?? []).toEqual([]);
});

test("durations are in seconds, in the buckets of the conventions, with the names of the conventions", async () => {
  const { monitor } = await watched("main", { database: { namespace: "orders_db", host: "db.internal", port: 6432 } });
  monitor.onQuery("SELECT a FROM users WHERE email = 'secret@example.com'", 20, undefined);
  monitor.onQuery("SELECT a FROM users WHERE email = 'other@example.com'", 40, undefined);
  monitor.onQuery("INSERT INTO users VALUES (1)", 2, Object.assign(new Error("duplicate"), { code: "23505", severity: "ERROR" }));
  monitor.onAcquire(3);
  monitor.onRelease(50);
  monitor.onConnect(15);
  monitor.onAcquireError(5_000, Object.assign(new Error("timeout"), { code: "POOL_ACQUIRE_TIMEOUT" }));
  const metrics = await collected();
  const operation = metrics.get("db.client.operation.duration");
  expect(operation?.descriptor).toMatchObject({ unit: "s" });
  expect(operation?.dataPoints.map(({ attributes, value }) => ({ attributes, value }))).toEqual([
    {
      attributes: { "db.system.name": "postgresql", "db.namespace": "orders_db", "server.address": "db.internal", "server.port": 6432, [POOL]: "main", "db.operation.name": "SELECT", "db.query.summary": "SELECT users" },
      value: expect.objectContaining({ count: 2, sum: expect.closeTo(0.06) as number, buckets: expect.objectContaining({ boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] }) as unknown }) as unknown,
    },
    {
      attributes: expect.objectContaining({ "db.query.summary": "INSERT users", "error.type": "23505", "db.response.status_code": "23505" }) as unknown,
      value: expect.objectContaining({ count: 1 }) as unknown,
    },
  ]);
  for (const [name, sum] of [["wait_time", 0.003], ["use_time", 0.05], ["create_time", 0.015]] as const) {
    expect(metrics.get(`db.client.connection.${name}`)?.dataPoints[0]).toMatchObject({ attributes: { [POOL]: "main" }, value: { count: 1, sum: expect.closeTo(sum) as number } });
  }
  expect(metrics.get("db.client.connection.timeouts")?.dataPoints[0]).toMatchObject({ value: 1 });
  expect(JSON.stringify([...metrics.values()])).not.toContain("example.com");
});

test("where no provider is given, the global one of the API is used", async () => {
  expect(api.setGlobalMeterProvider(meterProvider)).toBe(true);
  try {
    const { monitor } = new Traffic({ name: "global" });
    stops.push(await exportToOpenTelemetry(monitor));
    monitor.onRelease(50);
    expect((await collected()).get("db.client.connection.use_time")?.dataPoints).toMatchObject([{ attributes: { [POOL]: "global" } }]);
  } finally {
    api.disable();
  }
});

test("providers of the API and of its SDK fit the library's own types, and what lacks an instrument does not", () => {
  const fitting: readonly TelemetryMeterProvider[] = [api.getMeterProvider(), meterProvider];
  expect(fitting).toHaveLength(2);
  const instrument = { record: () => undefined, add: () => undefined };
  // @ts-expect-error -- createObservableUpDownCounter is missing
  const lacking: TelemetryMeterProvider = { getMeter: () => ({ createHistogram: () => instrument, createCounter: () => instrument }) };
  expect(lacking).toBeDefined();
});

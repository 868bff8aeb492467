import { BulkheadError } from "../errors/bulkhead-error";
import type { ConnectionMonitor } from "./connection-monitor";
import type { StatementRow } from "./statements";

/** Buckets that the semantic conventions (1.44) give for `db.client.operation.duration`, in seconds; the other durations have the same. */
export const DURATION_BOUNDARIES_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

const METER = "@bulkhead/manager";
/** Errors of one statement that have their attributes kept; of more they are made anew each time. */
const ATTRIBUTES_MAX = 2_000;

/** What is said of a measurement. */
export type TelemetryAttributes = Record<string, string | number>;

/** What is used of OpenTelemetry's `MeterProvider`. In words of its own, so that the library's types do without `@opentelemetry/api`; any version 1 of it fits. */
export interface TelemetryMeterProvider {
  getMeter(name: string): TelemetryMeter;
}

/** What is used of OpenTelemetry's `Meter`. */
export interface TelemetryMeter {
  createHistogram(name: string, options: { description: string; unit: string; advice: { explicitBucketBoundaries: number[] } }): { record(value: number, attributes: TelemetryAttributes): void };
  createCounter(name: string, options: { description: string; unit: string }): { add(value: number, attributes: TelemetryAttributes): void };
  createObservableUpDownCounter(name: string, options: { description: string; unit: string }): TelemetryObservable;
}

/** What is used of OpenTelemetry's observable instruments: a callback is asked for the value whenever somebody collects. */
export interface TelemetryObservable {
  addCallback(callback: (result: TelemetryResult) => void): void;
  removeCallback(callback: (result: TelemetryResult) => void): void;
}

/** Takes the values of one collection. */
export interface TelemetryResult {
  observe(value: number, attributes: TelemetryAttributes): void;
}

/**
 * Hands a monitor's measurements to OpenTelemetry by its semantic conventions for databases (1.44): `db.client.operation.duration` and `db.client.connection.*`. Needs an SDK that the
 * application has set up: `meterProvider`, or, where none is given, the global one of `@opentelemetry/api`, an optional peer that is loaded only then. Call it once for each pool; they are told
 * apart by `db.client.connection.pool.name`. No label holds SQL: `db.query.summary` is operation and tables, of at most `statementsMax` statements.
 *
 * Returns what ends it.
 *
 * @throws BulkheadError MONITOR_OPENTELEMETRY_MISSING where no `meterProvider` is given and the package cannot be loaded
 */
export async function exportToOpenTelemetry(monitor: ConnectionMonitor, options: { readonly meterProvider?: TelemetryMeterProvider } = {}): Promise<() => void> {
  const meter = (options.meterProvider ?? (await globalMeterProvider())).getMeter(METER);
  const pool: TelemetryAttributes = { "db.client.connection.pool.name": monitor.name };
  const stopObserving = observeCounts(meter, monitor, pool);
  const stopForwarding = forwardMeasurements(meter, monitor, pool);
  return () => {
    stopObserving();
    stopForwarding();
  };
}

async function globalMeterProvider(): Promise<TelemetryMeterProvider> {
  try {
    const { metrics } = await import("@opentelemetry/api");
    return metrics.getMeterProvider();
  } catch (cause) {
    throw new BulkheadError("MONITOR_OPENTELEMETRY_MISSING", "The package @opentelemetry/api cannot be loaded, so there is no global meter provider to hand metrics to.", { hint: "npm install @opentelemetry/api, or pass meterProvider", cause });
  }
}

/** What a pool holds is looked up when it is asked for, so that two pools never add up to a wrong sum. */
function observeCounts(meter: TelemetryMeter, monitor: ConnectionMonitor, pool: TelemetryAttributes): () => void {
  const idle = { ...pool, "db.client.connection.state": "idle" };
  const used = { ...pool, "db.client.connection.state": "used" };
  const counter = (name: string, unit: string, description: string): TelemetryObservable => meter.createObservableUpDownCounter(`db.client.connection.${name}`, { unit: `{${unit}}`, description });
  const instruments = {
    count: counter("count", "connection", "Connections that are in the state of the attribute."),
    idleMax: counter("idle.max", "connection", "The most idle connections allowed."),
    idleMin: counter("idle.min", "connection", "The fewest idle connections allowed."),
    max: counter("max", "connection", "The most open connections allowed."),
    pending: counter("pending_requests", "request", "Callers that wait for a connection."),
  };
  const observed: [TelemetryObservable, (result: TelemetryResult) => void][] = [
    [instruments.count, (result) => {
      result.observe(monitor.stats()?.idle ?? 0, idle);
      result.observe(monitor.stats()?.inUse ?? 0, used);
    }],
    [instruments.idleMax, (result) => result.observe(monitor.stats()?.max ?? 0, pool)],
    [instruments.idleMin, (result) => result.observe(monitor.stats()?.min ?? 0, pool)],
    [instruments.max, (result) => result.observe(monitor.stats()?.max ?? 0, pool)],
    [instruments.pending, (result) => result.observe(monitor.stats()?.waiting ?? 0, pool)],
  ];
  for (const [instrument, callback] of observed) instrument.addCallback(callback);
  return () => {
    for (const [instrument, callback] of observed) instrument.removeCallback(callback);
  };
}

function forwardMeasurements(meter: TelemetryMeter, monitor: ConnectionMonitor, pool: TelemetryAttributes): () => void {
  const histogram = (name: string, description: string) => meter.createHistogram(name, { unit: "s", description, advice: { explicitBucketBoundaries: DURATION_BOUNDARIES_S } });
  const operation = histogram("db.client.operation.duration", "Duration of database client operations.");
  const wait = histogram("db.client.connection.wait_time", "The time it took to obtain an open connection from the pool.");
  const use = histogram("db.client.connection.use_time", "The time between borrowing a connection and returning it to the pool.");
  const create = histogram("db.client.connection.create_time", "The time it took to create a new connection.");
  const timeouts = meter.createCounter("db.client.connection.timeouts", { unit: "{timeout}", description: "Connection requests that timed out." });
  const attributesOf = operationAttributes(monitor);
  return monitor.forward({
    waited: (waitMs) => wait.record(waitMs / 1_000, pool),
    timedOut: () => timeouts.add(1, pool),
    held: (holdMs) => use.record(holdMs / 1_000, pool),
    connected: (connectMs) => create.record(connectMs / 1_000, pool),
    queried: (durationMs, row, error) => operation.record(durationMs / 1_000, attributesOf(row, error?.type, error?.sqlstate)),
  });
}

/** The attributes of a statement and its outcome, made once each. */
function operationAttributes(monitor: ConnectionMonitor): (row: StatementRow, type: string | undefined, sqlstate: string | undefined) => TelemetryAttributes {
  const { namespace, host, port } = monitor.options.database ?? {};
  const common: TelemetryAttributes = {
    "db.system.name": "postgresql",
    ...(namespace === undefined ? {} : { "db.namespace": namespace }),
    ...(host === undefined ? {} : { "server.address": host }),
    // The conventions leave the usual port out.
    ...(port === undefined || port === 5432 ? {} : { "server.port": port }),
    "db.client.connection.pool.name": monitor.name,
  };
  const known = new Map<string, TelemetryAttributes>();
  return (row, type, sqlstate) => {
    const key = type === undefined ? row.summary : `${row.summary}\0${type}`;
    let attributes = known.get(key);
    if (attributes === undefined) {
      attributes = {
        ...common,
        ...(row.operation === "" ? {} : { "db.operation.name": row.operation }),
        ...(row.summary === "" ? {} : { "db.query.summary": row.summary }),
        ...(type === undefined ? {} : { "error.type": type }),
        ...(sqlstate === undefined ? {} : { "db.response.status_code": sqlstate }),
      };
      if (known.size < ATTRIBUTES_MAX) known.set(key, attributes);
    }
    return attributes;
  };
}

import type { ConnectionMonitor } from "./connection-monitor";
import type { DurationHistogram } from "./duration-histogram";
import { DURATION_BOUNDARIES_S } from "./open-telemetry";
import { PrometheusText } from "./prometheus-text";
import type { Sample } from "./prometheus-text";
import type { StatementStats } from "./statements";
import type { CountByName } from "./totals";

/** Statements that have series of their own, those that took most time; the rest is in none. Two series each. */
const STATEMENTS_MAX = 50;

interface Read {
  readonly monitor: ConnectionMonitor;
  readonly pool: Readonly<Record<string, string>>;
  readonly statements: readonly StatementStats[];
}

/**
 * The metrics of all `monitors` in Prometheus' text format. Names are OpenTelemetry's as Prometheus spells them, and `bulkhead_…` where OpenTelemetry has none.
 * The edges of histograms are as exact as their buckets, 6.3 %. Without constants and comments; at most 50 statements a pool, by fingerprint and summary.
 */
export async function renderPrometheus(monitors: readonly ConnectionMonitor[]): Promise<string> {
  const text = new PrometheusText();
  const reads: Read[] = await Promise.all(
    monitors.map(async (monitor) => ({ monitor, pool: { db_client_connection_pool_name: monitor.name }, statements: (await monitor.getStatements()).slice(0, STATEMENTS_MAX) })),
  );
  addConnections(text, reads);
  const histogram = (name: string, help: string, of: (monitor: ConnectionMonitor) => DurationHistogram): void => {
    text.add(name, "histogram", help, reads.flatMap(({ monitor, pool }) => histogramSamples(of(monitor), pool)));
  };
  histogram("db_client_operation_duration_seconds", "Duration of queries.", ({ totals }) => totals.query);
  histogram("db_client_connection_wait_time_seconds", "How long callers waited for a connection.", ({ totals }) => totals.wait);
  histogram("db_client_connection_use_time_seconds", "How long connections were held.", ({ totals }) => totals.hold);
  histogram("db_client_connection_create_time_seconds", "How long it took to open a connection.", ({ totals }) => totals.connect);
  addCounters(text, reads);
  addStatements(text, reads);
  addHealth(text, reads);
  return text.toString();
}

function addConnections(text: PrometheusText, reads: readonly Read[]): void {
  const gauge = (name: string, help: string, of: (stats: NonNullable<ReturnType<ConnectionMonitor["stats"]>>) => readonly Omit<Sample, "suffix">[]): void => {
    const samples = reads.flatMap(({ monitor, pool }) => {
      const stats = monitor.stats();
      return stats === undefined ? [] : of(stats).map(({ labels, value }) => ({ labels: { ...pool, ...labels }, value }));
    });
    text.add(name, "gauge", help, samples);
  };
  gauge("db_client_connection_count", "Connections by state.", ({ idle, inUse }) => [
    { labels: { db_client_connection_state: "idle" }, value: idle },
    { labels: { db_client_connection_state: "used" }, value: inUse },
  ]);
  gauge("db_client_connection_max", "Connections that the pool may have.", ({ max }) => [{ labels: {}, value: max }]);
  gauge("db_client_connection_idle_min", "Connections that the pool keeps.", ({ min }) => [{ labels: {}, value: min }]);
  gauge("db_client_connection_pending_requests", "Callers that wait for a connection.", ({ waiting }) => [{ labels: {}, value: waiting }]);
  gauge("bulkhead_connection_effective_max", "Connections that the pool allows itself at the moment.", ({ effectiveMax }) => [{ labels: {}, value: effectiveMax }]);
}

function addCounters(text: PrometheusText, reads: readonly Read[]): void {
  const counter = (name: string, help: string, of: (monitor: ConnectionMonitor) => number): void => {
    text.add(name, "counter", help, reads.map(({ monitor, pool }) => ({ labels: pool, value: of(monitor) })));
  };
  const byType = (name: string, help: string, of: (monitor: ConnectionMonitor) => CountByName): void => {
    text.add(name, "counter", help, reads.flatMap(({ monitor, pool }) => of(monitor).entries().map(([type, value]) => ({ labels: { ...pool, error_type: type }, value }))));
  };
  counter("db_client_connection_timeouts_total", "Callers that got no connection in time.", ({ totals }) => totals.acquireTimeouts);
  byType("bulkhead_query_errors_total", "Queries that failed, by SQLSTATE or class.", ({ totals }) => totals.queryErrors);
  byType("bulkhead_acquire_errors_total", "Callers that got no connection.", ({ totals }) => totals.acquireErrors);
  byType("bulkhead_connect_errors_total", "Connections that could not be opened.", ({ totals }) => totals.connectErrors);
  text.add("bulkhead_connections_removed_total", "counter", "Connections that left the pool.", reads.flatMap(({ monitor, pool }) => Object.entries(monitor.totals.removed).map(([reason, value]) => ({ labels: { ...pool, reason }, value }))));
  counter("bulkhead_slow_queries_total", "Queries over the threshold.", ({ totals }) => totals.slowQueries);
  counter("bulkhead_leaks_total", "Connections held without a query.", ({ totals }) => totals.leaks);
  counter("bulkhead_leaks_resolved_total", "Of these, those that came back.", ({ totals }) => totals.leaksResolved);
  counter("bulkhead_transactions_left_total", "Connections that came back inside a transaction.", ({ totals }) => totals.transactionsLeft);
  counter("bulkhead_outages_total", "How often the database became unreachable.", ({ totals }) => totals.outages);
}

function addStatements(text: PrometheusText, reads: readonly Read[]): void {
  const counter = (name: string, help: string, of: (statement: StatementStats) => number): void => {
    const samples = reads.flatMap(({ pool, statements }) => statements.map((statement) => ({ labels: { ...pool, fingerprint: statement.fingerprint, db_query_summary: statement.summary }, value: of(statement) })));
    text.add(name, "counter", help, samples);
  };
  counter("bulkhead_statement_calls_total", "Calls of a statement.", ({ count }) => count);
  counter("bulkhead_statement_seconds_total", "Time spent in a statement.", ({ totalMs }) => totalMs / 1_000);
  counter("bulkhead_statement_errors_total", "Calls of a statement that failed.", ({ errors }) => errors);
}

const LEVELS = { healthy: 0, warning: 1, critical: 2 } as const;

function addHealth(text: PrometheusText, reads: readonly Read[]): void {
  text.add("bulkhead_health", "gauge", "0 healthy, 1 warning, 2 critical.", reads.map(({ monitor, pool }) => ({ labels: pool, value: LEVELS[monitor.getHealthStatus().status] })));
  const saturation = reads.flatMap(({ monitor, pool }) => {
    const inMs = monitor.forecast().pool?.inMs;
    return inMs === undefined ? [] : [{ labels: pool, value: inMs / 1_000 }];
  });
  text.add("bulkhead_pool_saturation_seconds", "gauge", "Time until the pool is full, where a rise is sure.", saturation);
}

function histogramSamples(histogram: DurationHistogram, labels: Readonly<Record<string, string>>): Sample[] {
  const buckets = DURATION_BOUNDARIES_S.map((boundary) => ({ suffix: "_bucket", labels: { ...labels, le: String(boundary) }, value: histogram.countAtMost(boundary * 1_000) }));
  return [
    ...buckets,
    { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: histogram.count },
    { suffix: "_sum", labels, value: histogram.sumMs / 1_000 },
    { suffix: "_count", labels, value: histogram.count },
  ];
}

import type { Output } from "@pulumi/pulumi";

import type { AlertCondition, AlertSpec, ThresholdCondition } from "./alert-spec";
import { CONNECTOR_MBIT_PER_S } from "../config/egress-capacity";
import { databaseIds, metricOf } from "./watch-targets";
import type { WatchTargets } from "./watch-targets";

/** Room for one rollout of the largest service, and time to act in. */
const CONNECTIONS_SHARE = 0.8;
/** Of the limit at which growth ends. A fifth is days for most, and hours for a service out of control. */
const DISK_SHARE = 0.8;
/** Of the disk as it is: Cloud SQL makes it grow long before, so above this it does not keep up. */
const DISK_FULL_SHARE = 0.95;
/** Over 15 minutes: a backup or a vacuum is shorter, or takes less. */
const CPU_SHARE = 0.8;
/** Beyond it Postgres is near being killed for want of memory. */
const MEMORY_SHARE = 0.9;
/** Of the two thousand million transactions before Postgres stops to write; vacuum keeps it under a tenth. */
const TRANSACTION_ID_SHARE = 0.5;
/** Rows that are a minute old are what readers of a replica should be able to bear; a replica that keeps up is under a second. */
const REPLICA_LAG_S = 60;
/** A connector adds instances at about this load, and cannot beyond its last one. */
const CONNECTOR_SHARE = 0.8;
/** Evicts keys, or refuses writes, at 1. */
const REDIS_MEMORY_SHARE = 0.8;
const CLICKHOUSE_DISK_SHARE = 0.8;
/** Errors a second that are no single unlucky request: 30 in five minutes. */
const SERVER_ERRORS_PER_S = 0.1;
/** Google renews a month before the end; two weeks after that something is wrong, and there are two left. */
const CERTIFICATE_DAYS = 14;

const GIB = 2 ** 30;
const MIN_S = 60;

const SQL = "cloudsql.googleapis.com/database";

/** The alerts on metrics that Google keeps by itself; see `logAlertSpecs` for those on logs. */
export function metricAlertSpecs(targets: WatchTargets): readonly AlertSpec[] {
  return [...sqlAlerts(targets), ...connectorAlerts(targets), ...storeAlerts(targets), ...serviceAlerts(targets), ...edgeAlerts(targets)];
}

function sqlAlerts(targets: WatchTargets): AlertSpec[] {
  const { sql } = targets;
  const primary = databaseIds(targets, [sql.instance]);
  const everyone = databaseIds(targets, [sql.instance, ...sql.replicas]);
  const of = (metric: string, databases: readonly Output<string>[] = everyone): Output<string> => metricOf(`${SQL}/${metric}`, "cloudsql_database", { "resource.labels.database_id": databases });
  return [
    {
      key: "sql-down",
      title: "Postgres does not answer",
      severity: "CRITICAL",
      means: "The instance, or a replica, has not been up for two minutes. A fail-over takes about one.",
      action: "Look at the instance's operations and at Google's status page. Services mend their connections by themselves once it is back.",
      conditions: [below("Up", of("up"), 1, { periodS: MIN_S, aligner: "ALIGN_MAX", durationS: 2 * MIN_S })],
    },
    {
      key: "connections",
      title: "Postgres is running out of connections",
      severity: "CRITICAL",
      means: `More than ${percent(CONNECTIONS_SHARE)} of ${sql.maxConnections} connections are taken. At the last one, logins are refused, the setup's too.`,
      action: "`bulkhead status` names who holds them. Lower `poolMax` or `maxInstances` of that service, or take a machine type with more memory.",
      conditions: [
        above("Connections", of("postgresql/num_backends"), sql.maxConnections * CONNECTIONS_SHARE, {
          periodS: MIN_S,
          aligner: "ALIGN_MAX",
          durationS: 5 * MIN_S,
          reduce: { by: "REDUCE_SUM", group: ["resource.label.database_id"] },
        }),
      ],
    },
    {
      key: "sql-disk",
      title: "Postgres' disk is filling up",
      severity: "CRITICAL",
      means: `The data have come near to the ${sql.diskLimitGb} GB at which growth ends, or grow faster than the disk. When it is full, Postgres stops.`,
      action: "Find what grows: a table, or transaction logs that a replica or a slot holds back. Raise `bulkhead:sql.diskLimitGb`; that is done without a restart, and never undone.",
      conditions: [
        above("Of the limit", of("disk/bytes_used"), sql.diskLimitGb * GIB * DISK_SHARE, { periodS: 5 * MIN_S, aligner: "ALIGN_MEAN", durationS: 10 * MIN_S }),
        above("Of the disk as it is", of("disk/utilization"), DISK_FULL_SHARE, { periodS: 5 * MIN_S, aligner: "ALIGN_MEAN", durationS: 10 * MIN_S }),
      ],
    },
    {
      key: "sql-cpu",
      title: "Postgres is short of CPU",
      severity: "WARNING",
      means: `The CPUs have been more than ${percent(CPU_SHARE)} busy for 15 minutes. Queries wait.`,
      action: "Query Insights names the queries that take it, by service. Mend those, or take a larger machine type: that is an outage of about a minute.",
      conditions: [above("CPU", of("cpu/utilization"), CPU_SHARE, { periodS: 5 * MIN_S, aligner: "ALIGN_MEAN", durationS: 15 * MIN_S })],
    },
    {
      key: "sql-memory",
      title: "Postgres is short of memory",
      severity: "WARNING",
      means: `More than ${percent(MEMORY_SHARE)} of the memory has been in use for 15 minutes. Out of it, Postgres restarts and every session is cut.`,
      action: "Look for many connections at once and for large sorts. Lower the pools, or take a machine type with more memory.",
      conditions: [above("Memory", of("memory/utilization"), MEMORY_SHARE, { periodS: 5 * MIN_S, aligner: "ALIGN_MEAN", durationS: 15 * MIN_S })],
    },
    {
      key: "transaction-ids",
      title: "Postgres' transaction numbers are running out",
      severity: "CRITICAL",
      means: "Vacuum does not come to its end: something holds back old rows. At the last number, Postgres refuses to write.",
      action: "End the oldest transaction, prepared transaction or replication slot (`pg_stat_activity`, `pg_prepared_xacts`, `pg_replication_slots`); vacuum then catches up.",
      conditions: [above("Numbers used", of("postgresql/transaction_id_utilization", primary), TRANSACTION_ID_SHARE, { periodS: 5 * MIN_S, aligner: "ALIGN_MAX", durationS: 15 * MIN_S })],
    },
    ...(sql.replicas.length === 0
      ? []
      : [
          {
            key: "replica-lag",
            title: "A read replica is behind",
            severity: "WARNING",
            means: `What a replica answers is more than ${REPLICA_LAG_S} seconds old.`,
            action: "A long query on the replica, or heavy writing on the primary. End the query; a replica that is too small needs the primary's machine type.",
            conditions: [above("Lag", of("replication/replica_lag", databaseIds(targets, sql.replicas)), REPLICA_LAG_S, { periodS: MIN_S, aligner: "ALIGN_MEAN", durationS: 5 * MIN_S })],
          } as const,
        ]),
    ...(sql.regional
      ? [
          {
            key: "standby",
            title: "Postgres has no standby to fail over to",
            severity: "CRITICAL",
            means: "For 15 minutes a zone that is gone would have been an outage. It is expected for some minutes after a fail-over and during maintenance.",
            action: "Look at the instance's operations. Where none runs, ask Google's support; do not begin a large migration meanwhile.",
            conditions: [below("Available for fail-over", of("available_for_failover", primary), 1, { periodS: 5 * MIN_S, aligner: "ALIGN_MAX", durationS: 15 * MIN_S })],
          } as const,
        ]
      : []),
  ];
}

function connectorAlerts({ connectors }: WatchTargets): AlertSpec[] {
  if (connectors === null) return [];
  const of = (metric: string): Output<string> => metricOf(`vpcaccess.googleapis.com/connector/${metric}`, "vpc_access_connector", { "resource.labels.connector_name": connectors.names });
  const bytesPerS = ((CONNECTOR_MBIT_PER_S[connectors.machineType] * connectors.maxInstances * 1e6) / 8) * CONNECTOR_SHARE;
  const busy = { periodS: MIN_S, durationS: 5 * MIN_S } as const;
  return [
    {
      key: "connector",
      title: "A VPC connector is at its limit",
      severity: "CRITICAL",
      means: `A connector has come near to what its last instance can carry, or has all of its ${connectors.maxInstances} instances. Beyond that, services see time-outs to every store.`,
      action: "Raise `bulkhead:egress.maxInstances` (10 at the most), take a larger `machineType`, or change to direct egress. If one connector is broken: `bulkhead:egress.active` to the other.",
      conditions: [
        above("Sent", of("sent_bytes_count"), bytesPerS, { ...busy, aligner: "ALIGN_RATE" }),
        above("Received", of("received_bytes_count"), bytesPerS, { ...busy, aligner: "ALIGN_RATE" }),
        above("Instances", of("instances"), connectors.maxInstances - 0.5, { ...busy, aligner: "ALIGN_MAX" }),
      ],
    },
  ];
}

function storeAlerts({ redis, clickhouse }: WatchTargets): AlertSpec[] {
  const alerts: AlertSpec[] = [];
  if (redis.length > 0) {
    const memory = metricOf("redis.googleapis.com/stats/memory/usage_ratio", "redis_instance", { "resource.labels.instance_id": redis });
    alerts.push({
      key: "redis-memory",
      title: "Redis is short of memory",
      severity: "WARNING",
      means: `More than ${percent(REDIS_MEMORY_SHARE)} of an instance's memory is taken. At the end of it keys are evicted, or writes refused.`,
      action: "Look for keys without an expiry. Raise `bulkhead:redis.memorySizeGb`: with STANDARD_HA that is a fail-over.",
      conditions: [above("Memory", memory, REDIS_MEMORY_SHARE, { periodS: 5 * MIN_S, aligner: "ALIGN_MAX", durationS: 10 * MIN_S })],
    });
  }
  if (clickhouse !== null) {
    const of = (metric: string): Output<string> => metricOf(`compute.googleapis.com/${metric}`, "gce_instance", { "resource.labels.instance_id": [clickhouse.instanceId] });
    alerts.push(
      {
        key: "clickhouse-disk",
        title: "ClickHouse's disk is filling up",
        severity: "CRITICAL",
        means: `More than ${percent(CLICKHOUSE_DISK_SHARE)} of the ${clickhouse.diskSizeGb} GB are taken. Merges need room; without it inserts fail.`,
        action: "Raise `bulkhead:clickhouse.diskSizeGb`; the disk grows while it is in use. Or drop old partitions.",
        // Each device is a series of its own; the boot disk is smaller than this as a whole.
        conditions: [above("Data disk", of("guest/disk/bytes_used"), clickhouse.diskSizeGb * GIB * CLICKHOUSE_DISK_SHARE, { periodS: 5 * MIN_S, aligner: "ALIGN_MEAN", durationS: 10 * MIN_S })],
      },
      {
        key: "clickhouse-down",
        title: "ClickHouse's machine is gone",
        severity: "CRITICAL",
        means: "The machine has not been seen for five minutes. A restart by Google takes about two; while its zone is gone, so is it.",
        action: "Look at the machine's log in the console. The data are on a disk of their own, with daily snapshots. Reset the machine: `gcloud compute instances reset`; if it is gone, `pulumi refresh` and `up` make it anew with the same disk.",
        conditions: [{ kind: "absent", title: "Machine", filter: of("instance/uptime"), periodS: MIN_S, aligner: "ALIGN_RATE", reduce: null, durationS: 5 * MIN_S }],
      },
    );
  }
  return alerts;
}

function serviceAlerts({ services }: WatchTargets): AlertSpec[] {
  if (services.length === 0) return [];
  const requests = metricOf("run.googleapis.com/request_count", "cloud_run_revision", { "resource.labels.service_name": services, "metric.labels.response_code_class": ["5xx"] });
  return [
    {
      key: "service-errors",
      title: "A service answers with errors",
      severity: "CRITICAL",
      means: "A service has answered with a status of 500 or more to at least 30 requests in five minutes.",
      action: "Its log says why. When several services began at the same minute, look at the alerts of what they share first.",
      conditions: [
        above("Status 5xx", requests, SERVER_ERRORS_PER_S, { periodS: MIN_S, aligner: "ALIGN_RATE", durationS: 5 * MIN_S, reduce: { by: "REDUCE_SUM", group: ["resource.label.service_name"] } }),
      ],
    },
  ];
}

function edgeAlerts({ uptimeChecks }: WatchTargets): AlertSpec[] {
  if (uptimeChecks.length === 0) return [];
  const of = (metric: string): Output<string> => metricOf(`monitoring.googleapis.com/uptime_check/${metric}`, "uptime_url", { "metric.labels.check_id": uptimeChecks });
  const group = ["metric.label.check_id"];
  return [
    {
      key: "uptime",
      title: "Users cannot reach a host",
      severity: "CRITICAL",
      means: "From at least two parts of the world an address has not answered as it should for two minutes.",
      action: "Open it. If the certificate is the reason, see the certificate's alert; if the service answers with errors, its log; if nothing answers, the load balancer's log and the domain's DNS.",
      conditions: [above("Failed checks", of("check_passed"), 1, { periodS: 2 * MIN_S, aligner: "ALIGN_NEXT_OLDER", durationS: 2 * MIN_S, reduce: { by: "REDUCE_COUNT_FALSE", group } })],
    },
    {
      key: "certificate",
      title: "The certificate that users see ends soon",
      severity: "CRITICAL",
      means: `It ends within ${CERTIFICATE_DAYS} days. A managed one should have been renewed two weeks ago; it is served even after its end.`,
      action: "See that the `_acme-challenge` record of the stack's `dnsRecords` is in DNS. If it does not renew in a week, fail over to the backup certificate.",
      conditions: [below("Days left", of("time_until_ssl_cert_expires"), CERTIFICATE_DAYS, { periodS: 20 * MIN_S, aligner: "ALIGN_NEXT_OLDER", durationS: 10 * MIN_S, reduce: { by: "REDUCE_MIN", group } })],
    },
  ];
}

type Measure = Pick<ThresholdCondition, "periodS" | "aligner" | "durationS"> & Partial<Pick<ThresholdCondition, "reduce">>;

function above(title: string, filter: Output<string>, threshold: number, measure: Measure): AlertCondition {
  return { kind: "above", title, filter, threshold, reduce: null, ...measure };
}

function below(title: string, filter: Output<string>, threshold: number, measure: Measure): AlertCondition {
  return { kind: "below", title, filter, threshold, reduce: null, ...measure };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

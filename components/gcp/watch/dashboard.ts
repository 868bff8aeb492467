import { Dashboard } from "@pulumi/gcp/monitoring/dashboard";
import { output } from "@pulumi/pulumi";
import type { CustomResourceOptions, Input, Output } from "@pulumi/pulumi";

import { dashboardJson } from "./dashboard-json";
import type { Chart } from "./dashboard-json";
import { databaseIds, metricOf } from "./watch-targets";
import type { WatchTargets } from "./watch-targets";

const GIB = 2 ** 30;

type Draft = Omit<Chart, "filter"> & { readonly filter: Input<string> };

/** One page with what the alerts are about, for the minute after one came. It is free. */
export function dashboard(name: string, stack: string, targets: WatchTargets, options: CustomResourceOptions): Dashboard {
  const json = output(drafts(targets)).apply((charts) => dashboardJson(`Bulkhead ${stack}`, charts));
  return new Dashboard(name, { dashboardJson: json }, options);
}

/** Postgres first, since it is what the rest waits for; then what is on. */
function drafts(targets: WatchTargets): Draft[] {
  const { sql, connectors, redis, clickhouse, services } = targets;
  const databases = databaseIds(targets, [sql.instance, ...sql.replicas]);
  const ofSql = (metric: string): Output<string> => metricOf(`cloudsql.googleapis.com/database/${metric}`, "cloudsql_database", { "resource.labels.database_id": databases });
  const byService = "resource.label.service_name";
  return [
    chart("Postgres: connections by database", ofSql("postgresql/num_backends"), "ALIGN_MAX", { sumBy: "metric.label.database", threshold: sql.maxConnections }),
    chart("Postgres: CPU", ofSql("cpu/utilization"), "ALIGN_MEAN"),
    chart("Postgres: memory", ofSql("memory/utilization"), "ALIGN_MEAN"),
    chart("Postgres: bytes on disk", ofSql("disk/bytes_used"), "ALIGN_MEAN", { threshold: sql.diskLimitGb * GIB }),
    chart("Postgres: transactions a second by database", ofSql("postgresql/transaction_count"), "ALIGN_RATE", { sumBy: "metric.label.database" }),
    ...(sql.replicas.length === 0 ? [] : [chart("Postgres: replicas' lag, seconds", ofSql("replication/replica_lag"), "ALIGN_MAX")]),
    ...(services.length === 0
      ? []
      : [
          chart("Services: requests a second", ofServices("request_count", services), "ALIGN_RATE", { sumBy: byService }),
          chart("Services: answer within, 99 of 100, ms", ofServices("request_latencies", services), "ALIGN_PERCENTILE_99"),
          chart("Services: instances", ofServices("container/instance_count", services), "ALIGN_MAX", { sumBy: byService }),
        ]),
    ...(connectors === null ? [] : [chart("Connectors: bytes sent a second", metricOf("vpcaccess.googleapis.com/connector/sent_bytes_count", "vpc_access_connector", { "resource.labels.connector_name": connectors.names }), "ALIGN_RATE")]),
    ...(redis.length === 0 ? [] : [chart("Redis: memory", metricOf("redis.googleapis.com/stats/memory/usage_ratio", "redis_instance", { "resource.labels.instance_id": redis }), "ALIGN_MAX")]),
    ...(clickhouse === null ? [] : [chart("ClickHouse: CPU", metricOf("compute.googleapis.com/instance/cpu/utilization", "gce_instance", { "resource.labels.instance_id": [clickhouse.instanceId] }), "ALIGN_MEAN")]),
  ];
}

function ofServices(metric: string, services: readonly Input<string>[]): Output<string> {
  return metricOf(`run.googleapis.com/${metric}`, "cloud_run_revision", { "resource.labels.service_name": services });
}

function chart(title: string, filter: Output<string>, aligner: Chart["aligner"], { sumBy = null, threshold = null }: Partial<Pick<Chart, "sumBy" | "threshold">> = {}): Draft {
  return { title, filter, aligner, sumBy, threshold };
}

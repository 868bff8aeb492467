import { Metric } from "@pulumi/gcp/logging/metric";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Output } from "@pulumi/pulumi";

import { childOptions } from "../child-options";

/** What is counted in the logs. */
export type LogMetric = "failedLogins" | "sqlChanges" | "networkChanges" | "firewallChanges" | "routeChanges";

/** A count of log entries. */
export interface LogMetricSpec {
  readonly suffix: string;
  readonly description: string;
  /** In the language of Cloud Logging's queries. */
  readonly filter: string;
  /** Monitored resource of the entries, which an alert has to name. */
  readonly resource: string;
}

/** The last four are what CIS 2.11, 2.9, 2.7 and 2.8 ask for, whole projects at once. */
export const LOG_METRICS: Readonly<Record<LogMetric, LogMetricSpec>> = {
  failedLogins: {
    suffix: "failed-logins",
    description: "Logins that Postgres refused",
    filter:
      'resource.type="cloudsql_database" AND log_id("cloudsql.googleapis.com/postgres.log") AND ' +
      '(textPayload:"password authentication failed" OR textPayload:"no pg_hba.conf entry" OR textPayload:"is not permitted to log in" OR textPayload:"permission denied for database")',
    resource: "cloudsql_database",
  },
  sqlChanges: {
    suffix: "sql-changes",
    description: "Changes of a Cloud SQL instance's configuration",
    filter: 'protoPayload.methodName="cloudsql.instances.update" OR protoPayload.methodName="cloudsql.instances.delete"',
    resource: "cloudsql_database",
  },
  networkChanges: {
    suffix: "network-changes",
    description: "Changes of VPCs and their peerings",
    filter: auditFilter("gce_network", ["compute.networks.insert", "compute.networks.patch", "compute.networks.delete", "compute.networks.removePeering", "compute.networks.addPeering"]),
    resource: "gce_network",
  },
  firewallChanges: {
    suffix: "firewall-changes",
    description: "Changes of firewall rules",
    filter: auditFilter("gce_firewall_rule", ["compute.firewalls.insert", "compute.firewalls.patch", "compute.firewalls.update", "compute.firewalls.delete"]),
    resource: "gce_firewall_rule",
  },
  routeChanges: {
    suffix: "route-changes",
    description: "Changes of routes",
    filter: auditFilter("gce_route", ["compute.routes.insert", "compute.routes.delete"]),
    resource: "gce_route",
  },
};

function auditFilter(resource: string, methods: readonly string[]): string {
  return `resource.type="${resource}" AND (${methods.map((method) => `protoPayload.methodName:"${method}"`).join(" OR ")})`;
}

/**
 * Counts of log entries that alerts are made of. A component of its own, to be made at the very beginning: for up to ten minutes Monitoring
 * knows nothing of a new one, and refuses an alert on it ("Cannot find metric(s)"). The alerts come behind the database, which takes longer than that to make;
 * should one be refused nonetheless, `up` again.
 */
export class LogMetrics extends ComponentResource {
  /** Types of the metrics, e.g. `logging.googleapis.com/user/log-metrics-failed-logins-1a2b3c4`. */
  readonly types: Readonly<Record<LogMetric, Output<string>>>;

  constructor(name: string, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:LogMetrics", name, {}, options);
    const made = Object.entries(LOG_METRICS).map(([key, { suffix, description, filter }]) => {
      const metric = new Metric(
        `${name}-${suffix}`,
        { description, filter, disabled: false, metricDescriptor: { metricKind: "DELTA", valueType: "INT64", unit: "1", displayName: description } },
        childOptions(this, options),
      );
      return [key, metric.name.apply((metricName) => `logging.googleapis.com/user/${metricName}`)];
    });
    this.types = Object.fromEntries(made) as Record<LogMetric, Output<string>>;
    this.registerOutputs({});
  }
}

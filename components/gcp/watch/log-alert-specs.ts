import { interpolate } from "@pulumi/pulumi";
import type { Output } from "@pulumi/pulumi";

import type { AlertCondition, AlertSpec } from "./alert-spec";
import { LOG_METRICS } from "./log-metrics";
import type { LogMetric } from "./log-metrics";
import { databaseIds } from "./watch-targets";
import type { WatchTargets } from "./watch-targets";

/** In five minutes. A person who mistypes does not reach it; a service with an old password tries every few seconds. */
const FAILED_LOGINS = 10;

const FIVE_MIN_S = 300;

/** The alerts on what the logs say. `types` are those of `LogMetrics`. */
export function logAlertSpecs(targets: WatchTargets, types: Readonly<Record<LogMetric, Output<string>>>): readonly AlertSpec[] {
  const counted = (metric: LogMetric, threshold: number, restriction: Output<string> | "" = ""): AlertCondition => ({
    kind: "above",
    title: LOG_METRICS[metric].description,
    filter: interpolate`resource.type="${LOG_METRICS[metric].resource}" AND metric.type="${types[metric]}"${restriction}`,
    threshold,
    periodS: FIVE_MIN_S,
    aligner: "ALIGN_DELTA",
    reduce: { by: "REDUCE_SUM", group: [] },
    durationS: 0,
  });
  const [database] = databaseIds(targets, [targets.sql.instance]);
  return [
    {
      key: "failed-logins",
      title: "Postgres refuses logins",
      severity: "CRITICAL",
      means: `More than ${FAILED_LOGINS} logins were refused within five minutes: a service with an old password, or somebody who tries.`,
      action: "The instance's log names the login and the address. A service's own: a rotation ended half-way, or an instance holds an old secret; deploy it anew. Another's: the firewall's log tells where it came from.",
      conditions: [counted("failedLogins", FAILED_LOGINS, interpolate` AND resource.labels.database_id="${database ?? ""}"`)],
    },
    changes("sql-changes", "The configuration of a Cloud SQL instance was changed", counted("sqlChanges", 0)),
    changes("network-changes", "A VPC or a peering was changed", counted("networkChanges", 0)),
    changes("firewall-changes", "A firewall rule was changed", counted("firewallChanges", 0)),
    changes("route-changes", "A route was changed", counted("routeChanges", 0)),
    ...(targets.uptimeChecks.length === 0
      ? []
      : [
          {
            key: "certificate-log",
            title: "A certificate has not been renewed",
            severity: "CRITICAL",
            means: "Certificate Manager reports one that ends within 10 days, or has ended; also one that stands by, which the uptime check does not see.",
            action: "A managed one: see that its `_acme-challenge` record is in DNS, and fail over to the backup. The backup: order it anew, put its files in place, `up`.",
            conditions: [
              {
                kind: "log",
                title: "Certificate Manager's log",
                filter: `logName="projects/${targets.project}/logs/certificatemanager.googleapis.com%2Fcertificates_expiry" AND jsonPayload.state=("CLOSE_TO_EXPIRY" OR "EXPIRED")`,
              },
            ],
          } as const,
        ]),
  ];
}

function changes(key: string, title: string, condition: AlertCondition): AlertSpec {
  return {
    key,
    title,
    severity: "WARNING",
    means: "Somebody or something did so within the last minutes. It is expected during `pulumi up`, and at no other time.",
    action: "The audit log names who, from where and what. If nobody ran `up`: `pulumi refresh --preview-only` shows what is not as it was, and `up` puts it back.",
    conditions: [condition],
  };
}

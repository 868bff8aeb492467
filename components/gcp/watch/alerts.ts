import { AlertPolicy } from "@pulumi/gcp/monitoring/alertPolicy";
import type { AlertPolicyArgs } from "@pulumi/gcp/monitoring/alertPolicy";
import { NotificationChannel } from "@pulumi/gcp/monitoring/notificationChannel";
import type { monitoring as inputs } from "@pulumi/gcp/types/input";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input } from "@pulumi/pulumi";

import type { AlertCondition, AlertSpec } from "./alert-spec";
import { metricAlertSpecs } from "./alert-specs";
import { childOptions } from "../child-options";
import type { WatchConfig } from "../config/gcp-config";
import { labelsOf } from "../labels";
import { logAlertSpecs } from "./log-alert-specs";
import type { LogMetrics } from "./log-metrics";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";
import type { WatchTargets } from "./watch-targets";

/** An incident without news is closed after a day, so that the next one is told of again. */
const AUTO_CLOSE = "86400s";

/** One notice an hour of what is logged daily. */
const LOG_NOTICE_PERIOD = "3600s";

export interface AlertsArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly config: WatchConfig;
  readonly targets: WatchTargets;
  /** Made early; see there. */
  readonly logMetrics: LogMetrics;
  readonly transform?: { readonly policy?: Transform<AlertPolicyArgs> };
}

/**
 * The stack's alerts, and whom they are sent to. Each says what it means, what to do first, and where docs/gcp.md says more. To be made behind the
 * database; see `LogMetrics`. About 0.10 USD a month for a condition.
 */
export class Alerts extends ComponentResource {
  constructor(name: string, args: AlertsArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Alerts", name, {}, options);
    const { stack, config, targets, logMetrics, transform } = args;
    const child = childOptions(this, options);
    // By address, so that one who comes or goes moves no other.
    const channels = config.emails.map(
      (email) =>
        new NotificationChannel(`${name}-${email}`, { type: "email", displayName: `Bulkhead ${stack}: ${email}`, labels: { email_address: email }, userLabels: labelsOf(stack) }, child).id,
    );
    for (const spec of [...metricAlertSpecs(targets), ...logAlertSpecs(targets, logMetrics.types)]) {
      new AlertPolicy(`${name}-${spec.key}`, applyTransform(policyArgs(stack, spec, channels), transform?.policy), child);
    }
    this.registerOutputs({});
  }
}

function policyArgs(stack: string, { key, title, severity, means, action, conditions }: AlertSpec, notificationChannels: Input<string>[]): AlertPolicyArgs {
  const fromLog = conditions.some(({ kind }) => kind === "log");
  return {
    displayName: `Bulkhead ${stack}: ${title}`,
    combiner: "OR",
    enabled: true,
    severity,
    conditions: conditions.map(conditionArgs),
    // The rate limit is a must for what fires at log entries, and refused elsewhere.
    alertStrategy: { autoClose: AUTO_CLOSE, ...(fromLog ? { notificationRateLimit: { period: LOG_NOTICE_PERIOD } } : {}) },
    documentation: { mimeType: "text/markdown", subject: `Bulkhead ${stack}: ${title}`, content: `${means}\n\n**What to do:** ${action}\n\nMore: docs/gcp.md#alert-${key}` },
    notificationChannels,
    userLabels: labelsOf(stack),
  };
}

function conditionArgs(condition: AlertCondition): inputs.AlertPolicyCondition {
  const { title: displayName, filter } = condition;
  if (condition.kind === "log") return { displayName, conditionMatchedLog: { filter } };
  const { periodS, aligner, reduce, durationS } = condition;
  const common = {
    filter,
    duration: `${durationS}s`,
    trigger: { count: 1 },
    aggregations: [
      { alignmentPeriod: `${periodS}s`, perSeriesAligner: aligner, ...(reduce === null ? {} : { crossSeriesReducer: reduce.by, ...(reduce.group.length === 0 ? {} : { groupByFields: [...reduce.group] }) }) },
    ],
  };
  if (condition.kind === "absent") return { displayName, conditionAbsent: common };
  return { displayName, conditionThreshold: { ...common, comparison: condition.kind === "above" ? "COMPARISON_GT" : "COMPARISON_LT", thresholdValue: condition.threshold } };
}

import type { Input, Output } from "@pulumi/pulumi";

/** An alert: when it fires, and what the person who is woken by it should know. */
export interface AlertSpec {
  /** Ending of its name in Pulumi's state, and with `alert-` before it the anchor of its section in docs/gcp.md. */
  readonly key: string;
  readonly title: string;
  /** CRITICAL: users notice, or soon will. WARNING: within days. */
  readonly severity: "CRITICAL" | "WARNING";
  /** What it means. */
  readonly means: string;
  /** What to do first. */
  readonly action: string;
  /** Any of them is enough; Monitoring takes six at the most. */
  readonly conditions: readonly AlertCondition[];
}

export type AlertCondition = ThresholdCondition | AbsenceCondition | LogCondition;

interface MetricCondition {
  readonly title: string;
  /** Metric and resource; see `metricOf`. */
  readonly filter: Input<string> | Output<string>;
  /** Values are brought to one for each such period. Unit: seconds, a multiple of 60. */
  readonly periodS: number;
  /** How the values of a period become one. */
  readonly aligner: "ALIGN_MEAN" | "ALIGN_MAX" | "ALIGN_MIN" | "ALIGN_RATE" | "ALIGN_DELTA" | "ALIGN_NEXT_OLDER";
  /** How several series become one, a group at a time; null to look at each by itself. */
  readonly reduce: { readonly by: "REDUCE_SUM" | "REDUCE_MIN" | "REDUCE_COUNT_FALSE"; readonly group: readonly string[] } | null;
  /** How long it must last. Unit: seconds, a multiple of 60. */
  readonly durationS: number;
}

export interface ThresholdCondition extends MetricCondition {
  readonly kind: "above" | "below";
  readonly threshold: number;
}

/** Fires when no value comes any more. */
export interface AbsenceCondition extends MetricCondition {
  readonly kind: "absent";
}

/** Fires at a log entry; the only condition of its alert. */
export interface LogCondition {
  readonly kind: "log";
  readonly title: string;
  readonly filter: Input<string>;
}

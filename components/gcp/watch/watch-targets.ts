import { all, interpolate } from "@pulumi/pulumi";
import type { Input, Output } from "@pulumi/pulumi";

import type { CONNECTOR_MBIT_PER_S } from "../config/egress-capacity";

/** What is watched. A part that is off is null, or an empty list. */
export interface WatchTargets {
  readonly project: string;
  readonly sql: {
    /** The instance's name. */
    readonly instance: Input<string>;
    readonly replicas: readonly Input<string>[];
    /** Whether there is a standby to fail over to. */
    readonly regional: boolean;
    readonly maxConnections: number;
    /** Where the disk's growth ends, GB. */
    readonly diskLimitGb: number;
  };
  readonly connectors: {
    readonly names: readonly Input<string>[];
    readonly maxInstances: number;
    readonly machineType: keyof typeof CONNECTOR_MBIT_PER_S;
  } | null;
  /** Ids of the Redis instances, `projects/…/instances/…`. */
  readonly redis: readonly Input<string>[];
  readonly clickhouse: {
    /** The machine's number (`instanceId`), not its name. */
    readonly instanceId: Input<string>;
    readonly diskSizeGb: number;
  } | null;
  /** Names in Cloud Run. */
  readonly services: readonly Input<string>[];
  /** Ids of the uptime checks of the edge. */
  readonly uptimeChecks: readonly Input<string>[];
}

/** A metric of some resources, as Monitoring's filters name it. A label with several values is any of them. */
export function metricOf(type: string, resource: string, labels: Readonly<Record<string, readonly Input<string>[]>> = {}): Output<string> {
  const names = Object.keys(labels);
  return all(Object.values(labels).map((values) => all([...values]))).apply((values) =>
    [`resource.type="${resource}"`, `metric.type="${type}"`, ...names.map((name, index) => `${name}=${anyOf(values[index] ?? [])}`)].join(" AND "),
  );
}

function anyOf(values: readonly string[]): string {
  const quoted = values.map((value) => `"${value}"`);
  return quoted.length === 1 ? quoted.join("") : `one_of(${quoted.join(",")})`;
}

/** How Monitoring calls a Cloud SQL instance. */
export function databaseIds({ project }: WatchTargets, instances: readonly Input<string>[]): Output<string>[] {
  return instances.map((instance) => interpolate`${project}:${instance}`);
}

import type { AlertPolicyArgs } from "@pulumi/gcp/monitoring/alertPolicy";
import type { UptimeCheckConfigArgs } from "@pulumi/gcp/monitoring/uptimeCheckConfig";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions } from "@pulumi/pulumi";

import { Alerts } from "./alerts";
import { childOptions } from "../child-options";
import type { WatchConfig } from "../config/gcp-config";
import { dashboard } from "./dashboard";
import type { LogMetrics } from "./log-metrics";
import type { Transform } from "../transform";
import { Uptime } from "./uptime";
import type { UptimeArgs } from "./uptime";
import type { WatchTargets } from "./watch-targets";

export interface WatchArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly config: WatchConfig;
  /** What there is to watch, but for the addresses that users ask for. */
  readonly targets: Omit<WatchTargets, "uptimeChecks">;
  /** Hosts and services of the load balancer; null without one. */
  readonly edge: Pick<UptimeArgs, "domains" | "services"> | null;
  /** Made early; see there. */
  readonly logMetrics: LogMetrics;
  readonly transform?: { readonly policy?: Transform<AlertPolicyArgs>; readonly uptimeCheck?: Transform<UptimeCheckConfigArgs> };
}

/** Uptime checks, alerts and a dashboard. `options.dependsOn` should name the database; see `LogMetrics`. */
export class Watch extends ComponentResource {
  constructor(name: string, { stack, config, targets, edge, logMetrics, transform }: WatchArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Watch", name, {}, options);
    const child = childOptions(this, options);
    const check = transform?.uptimeCheck;
    const uptimeChecks =
      edge === null ? [] : new Uptime(`${name}-uptime`, { stack, project: targets.project, ...edge, ...(check && { transform: { check } }) }, child).checkIds;
    const watched = { ...targets, uptimeChecks };
    const policy = transform?.policy;
    new Alerts(`${name}-alerts`, { stack, config, targets: watched, logMetrics, ...(policy && { transform: { policy } }) }, child);
    dashboard(name, stack, watched, child);
    this.registerOutputs({});
  }
}

import { UptimeCheckConfig } from "@pulumi/gcp/monitoring/uptimeCheckConfig";
import type { UptimeCheckConfigArgs } from "@pulumi/gcp/monitoring/uptimeCheckConfig";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Output } from "@pulumi/pulumi";

import { childOptions } from "../child-options";
import { labelsOf } from "../labels";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

/** An address that users ask for, and what it should answer. */
export interface UptimeSpec {
  /** Ending of its name in Pulumi's state. */
  readonly key: string;
  readonly host: string;
  readonly path: string;
  /** Classes of status that are in order. */
  readonly accepted: readonly ("STATUS_CLASS_2XX" | "STATUS_CLASS_3XX" | "STATUS_CLASS_4XX")[];
}

export interface UptimeArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly project: string;
  readonly domains: readonly string[];
  /** The services behind the load balancer. */
  readonly services: readonly { readonly name: string; readonly path: string; readonly healthPath: string }[];
  readonly transform?: { readonly check?: Transform<UptimeCheckConfigArgs> };
}

/**
 * What to ask for: on each host the health path of the service that has `/*`, and on the main host the path of each other service. Those answer there what they like, since
 * their health path is not below it: any status under 500 shows that they are there. Services without a path are inside; their errors are alerts of their own.
 */
export function uptimeSpecs({ domains, services }: Pick<UptimeArgs, "domains" | "services">): readonly UptimeSpec[] {
  const main = domains[0];
  return [
    ...services.filter(({ path }) => path === "/*").flatMap(({ healthPath }) => domains.map((host) => ({ key: `host-${host.replaceAll(".", "-")}`, host, path: healthPath, accepted: ["STATUS_CLASS_2XX", "STATUS_CLASS_3XX"] as const }))),
    ...(main === undefined
      ? []
      : services
          .filter(({ path }) => path !== "/*")
          .map(({ name, path }) => ({ key: `path-${name}`, host: main, path: path.replace(/\*$/, ""), accepted: ["STATUS_CLASS_2XX", "STATUS_CLASS_3XX", "STATUS_CLASS_4XX"] as const }))),
  ];
}

/**
 * Asks for the edge's addresses once a minute from three continents, over TLS with a certificate that must be valid. A million answers a month are free, which is seven
 * checks; then 0.30 USD a thousand.
 */
export class Uptime extends ComponentResource {
  /** Ids that Monitoring's metrics carry. */
  readonly checkIds: readonly Output<string>[];

  constructor(name: string, args: UptimeArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Uptime", name, {}, options);
    this.checkIds = uptimeSpecs(args).map((spec) => new UptimeCheckConfig(`${name}-${spec.key}`, applyTransform(checkArgs(args, spec), args.transform?.check), childOptions(this, options)).uptimeCheckId);
    this.registerOutputs({});
  }
}

function checkArgs({ stack, project }: UptimeArgs, { host, path, accepted }: UptimeSpec): UptimeCheckConfigArgs {
  return {
    displayName: `Bulkhead ${stack}: https://${host}${path}`,
    period: "60s",
    timeout: "10s",
    checkerType: "STATIC_IP_CHECKERS",
    selectedRegions: ["EUROPE", "USA", "ASIA_PACIFIC"],
    logCheckFailures: true,
    monitoredResource: { type: "uptime_url", labels: { project_id: project, host } },
    httpCheck: {
      requestMethod: "GET",
      path,
      port: 443,
      useSsl: true,
      validateSsl: true,
      acceptedResponseStatusCodes: accepted.map((statusClass) => ({ statusClass })),
    },
    userLabels: labelsOf(stack),
  };
}

import { Service } from "@pulumi/gcp/projects/service";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions } from "@pulumi/pulumi";

import { childOptions } from "./child-options";
import type { GcpConfig } from "./config/gcp-config";

/** What every stack needs, whatever is on. */
const ALWAYS = [
  "cloudresourcemanager",
  "compute",
  "dns",
  "iam",
  "logging",
  "monitoring",
  // Notices that a secret wants rotating.
  "pubsub",
  "secretmanager",
  "servicenetworking",
  "sqladmin",
] as const;

/** Google's APIs that a stack of this configuration needs, by their short names, in the alphabet's order. */
export function apisOf(config: GcpConfig): readonly string[] {
  const runs = Object.keys(config.services).length > 0;
  const job = config.reach.transport === "job";
  return [
    ...ALWAYS,
    ...(runs || job ? ["artifactregistry", "run"] : []),
    ...(config.egress.mode === "connector" ? ["vpcaccess"] : []),
    ...(config.redis === null ? [] : ["redis"]),
    ...(config.encryption.customerManagedKeys ? ["cloudkms"] : []),
    ...(config.edge === null ? [] : ["certificatemanager"]),
    ...(config.reach.transport === "tunnel" ? ["iap"] : []),
  ].sort();
}

export interface ApisArgs {
  /** Project id. */
  readonly project: string;
  readonly config: GcpConfig;
}

/**
 * Google's APIs that the stack uses, switched on: everything else depends on this component. An API costs nothing by itself.
 *
 * They stay on when the stack goes: another stack, or something made by hand, may use them, and switching Compute Engine off deletes what runs on it.
 * `serviceusage`, which does the switching, is on in every new project.
 */
export class Apis extends ComponentResource {
  constructor(name: string, { project, config }: ApisArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Apis", name, {}, options);
    for (const api of apisOf(config)) {
      new Service(`${name}-${api}`, { project, service: `${api}.googleapis.com`, disableOnDestroy: false, disableDependentServices: false }, childOptions(this, options));
    }
    this.registerOutputs({});
  }
}

import { Network as Vpc } from "@pulumi/gcp/compute/network";
import type { NetworkArgs as VpcArgs } from "@pulumi/gcp/compute/network";
import { Subnetwork } from "@pulumi/gcp/compute/subnetwork";
import type { SubnetworkArgs } from "@pulumi/gcp/compute/subnetwork";
import { Policy } from "@pulumi/gcp/dns/policy";
import type { PolicyArgs } from "@pulumi/gcp/dns/policy";
import type { compute as inputs } from "@pulumi/gcp/types/input";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input } from "@pulumi/pulumi";

import { childOptions } from "../child-options";
import type { NetworkConfig } from "../config/gcp-config";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

export interface NetworkArgs {
  readonly region: string;
  readonly config: NetworkConfig;
  /** Pulumi's protection of the VPC and its subnets. A subnet's range can grow in place; another range is another subnet, and all that is in it goes with it. */
  readonly deletionProtection: boolean;
  readonly transform?: { readonly vpc?: Transform<VpcArgs>; readonly subnetwork?: Transform<SubnetworkArgs>; readonly dnsPolicy?: Transform<PolicyArgs> };
}

/**
 * The tier's VPC: two subnets of our own making, none by default, in one region.
 *
 * Every flow that is sampled, and every name that is looked up, is logged: the two things to read after an incident. Flow logs are the
 * larger bill, about 0.50 USD a GiB. Nothing in the VPC has a public address. The VPC itself is free.
 */
export class Network extends ComponentResource {
  readonly vpc: Vpc;
  /** Of the Cloud Run instances with direct egress. */
  readonly services: Subnetwork;
  /** Of the machines: ClickHouse, bastion. */
  readonly machines: Subnetwork;

  constructor(name: string, args: NetworkArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Network", name, {}, options);
    const { config, transform, deletionProtection } = args;
    const child = childOptions(this, options, { protect: deletionProtection });
    this.vpc = new Vpc(name, applyTransform({ description: "Bulkhead", autoCreateSubnetworks: false, routingMode: "REGIONAL" }, transform?.vpc), child);

    const subnetwork = (suffix: string, range: string) =>
      new Subnetwork(`${name}-${suffix}`, applyTransform(subnetworkArgs(this.vpc.id, args.region, range, config.flowLogSampling), transform?.subnetwork), child);
    this.services = subnetwork("services", config.servicesRange);
    this.machines = subnetwork("machines", config.machinesRange);

    // CIS 2.12. It has no part in how names resolve.
    new Policy(
      name,
      applyTransform({ description: "Logs the names that are looked up in the VPC", enableLogging: true, enableInboundForwarding: false, networks: [{ networkUrl: this.vpc.id }] }, transform?.dnsPolicy),
      childOptions(this, options),
    );
    this.registerOutputs({ vpc: this.vpc.id });
  }
}

/** A subnet as all of ours are: flows logged, and Google's APIs reached from within, without a public address. */
export function subnetworkArgs(network: Input<string>, region: string, range: string, flowLogSampling: number): SubnetworkArgs {
  return { network, region, ipCidrRange: range, stackType: "IPV4_ONLY", privateIpGoogleAccess: true, logConfig: flowLogs(flowLogSampling) };
}

function flowLogs(flowSampling: number): inputs.SubnetworkLogConfig {
  return { aggregationInterval: "INTERVAL_5_SEC", flowSampling, metadata: "INCLUDE_ALL_METADATA" };
}

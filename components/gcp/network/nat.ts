import { Router } from "@pulumi/gcp/compute/router";
import { RouterNat } from "@pulumi/gcp/compute/routerNat";
import type { RouterNatArgs } from "@pulumi/gcp/compute/routerNat";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input } from "@pulumi/pulumi";

import { childOptions } from "../child-options";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

export interface NatArgs {
  readonly region: string;
  /** Id of the VPC. */
  readonly network: Input<string>;
  /** Ids of the subnets whose instances may be translated. */
  readonly subnetworks: readonly Input<string>[];
  readonly transform?: { readonly nat?: Transform<RouterNatArgs> };
}

/**
 * The one way out to the internet, for what has no public address; there is none in. What may take it is the firewall's to say, and the firewall denies
 * the internet until a rule names where to: Google's own APIs do not come this way. So translations are rare, and each is logged.
 *
 * About 1 USD a month for an instance that uses it, to 32 USD, and 0.045 USD a GB. Google runs it without a machine to lose; while it is out, what the rules name is out
 * of reach, and databases are not.
 */
export class Nat extends ComponentResource {
  constructor(name: string, args: NatArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Nat", name, {}, options);
    const { region, network } = args;
    const router = new Router(name, { region, network, description: "Carries the NAT" }, childOptions(this, options));
    new RouterNat(name, applyTransform(natArgs(args, router.name), args.transform?.nat), childOptions(this, options));
    this.registerOutputs({});
  }
}

function natArgs({ region, subnetworks }: NatArgs, router: Input<string>): RouterNatArgs {
  return {
    region,
    router,
    type: "PUBLIC",
    natIpAllocateOption: "AUTO_ONLY",
    // By name: a subnet that somebody adds later stays inside.
    sourceSubnetworkIpRangesToNat: "LIST_OF_SUBNETWORKS",
    subnetworks: subnetworks.map((name) => ({ name, sourceIpRangesToNats: ["PRIMARY_IP_RANGE"] })),
    logConfig: { enable: true, filter: "ALL" },
  };
}

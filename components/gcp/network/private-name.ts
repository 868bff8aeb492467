import { ManagedZone } from "@pulumi/gcp/dns/managedZone";
import { RecordSet } from "@pulumi/gcp/dns/recordSet";
import { ComponentResource, interpolate } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input } from "@pulumi/pulumi";

import { childOptions } from "../child-options";
import { labelsOf } from "../labels";

export interface PrivateNameArgs {
  /** Pulumi stack. */
  readonly stack: string;
  /** Id of the VPC that resolves the name; nobody else does. */
  readonly network: Input<string>;
  /** The name, without a dot at its end. */
  readonly host: Input<string>;
  /** IPv4 address that it stands for. */
  readonly address: Input<string>;
}

/**
 * A name within the VPC: a private zone that is this one name, and its record. A wider zone (`sql.goog`, say) would take over every name below it, and
 * those of other instances would no longer resolve. About 0.20 USD a month.
 */
export class PrivateName extends ComponentResource {
  constructor(name: string, { stack, network, host, address }: PrivateNameArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:PrivateName", name, {}, options);
    const dnsName = interpolate`${host}.`;
    const zone = new ManagedZone(
      name,
      { dnsName, visibility: "private", privateVisibilityConfig: { networks: [{ networkUrl: network }] }, description: `One name of the Bulkhead stack ${stack}.`, labels: labelsOf(stack) },
      childOptions(this, options),
    );
    // The address stays when Cloud SQL fails over; a minute bounds how long a replaced instance is asked for under its old one.
    new RecordSet(name, { managedZone: zone.name, name: dnsName, type: "A", ttl: 60, rrdatas: [address] }, childOptions(this, options));
    this.registerOutputs({});
  }
}

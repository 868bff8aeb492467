import { GlobalAddress } from "@pulumi/gcp/compute/globalAddress";
import type { GlobalAddressArgs } from "@pulumi/gcp/compute/globalAddress";
import { Connection } from "@pulumi/gcp/servicenetworking/connection";
import type { ConnectionArgs } from "@pulumi/gcp/servicenetworking/connection";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input } from "@pulumi/pulumi";

import { childOptions } from "../child-options";
import { labelsOf } from "../labels";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

export interface PrivateServicesArgs {
  /** Pulumi stack. */
  readonly stack: string;
  /** Id of the VPC. */
  readonly network: Input<string>;
  /** e.g. `10.20.16.0/20`: where Cloud SQL and Memorystore take their addresses from. Another range is for new instances only; those that are there keep theirs. */
  readonly range: string;
  /** Pulumi's protection. Without the connection nobody reaches a database any more. */
  readonly deletionProtection: boolean;
  readonly transform?: { readonly address?: Transform<GlobalAddressArgs>; readonly connection?: Transform<ConnectionArgs> };
}

/**
 * Private services access: a range of the VPC for Google's own services, and the peering with the network that they live in. Instances depend
 * on the connection, not only on the VPC. It costs nothing.
 *
 * Google refuses to delete the connection for hours to days after the last instance is gone, since a deleted one can still be brought back. So a
 * `destroy` abandons it (`deletionPolicy`): what is left is the peering, which goes by
 * `gcloud compute networks peerings delete servicenetworking-googleapis-com --network <vpc>`, where deleting the VPC complains of it. Google remembers the ranges of an
 * abandoned connection by the VPC's name, and creating it anew fails; `updateOnCreationFail` then updates what is remembered.
 */
export class PrivateServices extends ComponentResource {
  readonly address: GlobalAddress;
  readonly connection: Connection;

  constructor(name: string, args: PrivateServicesArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:PrivateServices", name, {}, options);
    const { stack, network, range, transform, deletionProtection } = args;
    const [address, prefix] = range.split("/");
    if (address === undefined || prefix === undefined) throw new Error(`${range} is no range of addresses`);
    const child = childOptions(this, options, { protect: deletionProtection });
    this.address = new GlobalAddress(
      name,
      applyTransform({ purpose: "VPC_PEERING", addressType: "INTERNAL", network, address, prefixLength: Number(prefix), labels: labelsOf(stack) }, transform?.address),
      child,
    );
    this.connection = new Connection(
      name,
      applyTransform(
        { network, service: "servicenetworking.googleapis.com", reservedPeeringRanges: [this.address.name], deletionPolicy: "ABANDON", updateOnCreationFail: true },
        transform?.connection,
      ),
      child,
    );
    this.registerOutputs({});
  }
}

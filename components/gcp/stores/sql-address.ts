import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input } from "@pulumi/pulumi";

import { childOptions } from "../child-options";
import { PrivateName } from "../network/private-name";
import { dnsNameOf } from "./sql";
import type { Sql } from "./sql";

export interface SqlAddressArgs {
  /** Pulumi stack. */
  readonly stack: string;
  /** Id of the VPC. */
  readonly network: Input<string>;
  readonly sql: Sql;
}

/**
 * Makes the names in the certificates of the instance and its replicas resolve to their private addresses, for the VPC only. Without it a client would
 * have to connect to an address, which no certificate names, and could verify the authority but not the server (libpq's verify-ca): any other
 * customer's instance would pass.
 */
export class SqlAddress extends ComponentResource {
  constructor(name: string, { stack, network, sql }: SqlAddressArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:SqlAddress", name, {}, options);
    const child = childOptions(this, options);
    new PrivateName(name, { stack, network, host: sql.dnsName, address: sql.privateAddress }, child);
    sql.replicas.forEach((replica, index) => {
      new PrivateName(`${name}-replica-${index}`, { stack, network, host: dnsNameOf(replica), address: replica.privateIpAddress }, child);
    });
    this.registerOutputs({});
  }
}

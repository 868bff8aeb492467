import { Instance } from "@pulumi/gcp/compute/instance";
import type { InstanceArgs } from "@pulumi/gcp/compute/instance";
import { TunnelInstanceIAMMember } from "@pulumi/gcp/iap/tunnelInstanceIAMMember";
import { ComponentResource, output } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input } from "@pulumi/pulumi";

import { bastionStartupScript } from "./bastion-startup";
import { childOptions } from "../child-options";
import { labelsOf, namesOf } from "../labels";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

export interface BastionArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly project: string;
  readonly zone: string;
  /** Id of the machines' subnet. */
  readonly subnetwork: Input<string>;
  /** Network tag that the firewall's rules name: in from IAP, out to Postgres, nothing else. */
  readonly tag: string;
  /** IPv4 address of the database, the only place that it forwards to. */
  readonly databaseAddress: Input<string>;
  /**
   * Who may open a tunnel, as IAM members (`user:…`, `group:…`, `serviceAccount:…`): those who run `up`. Empty: only who holds
   * `iap.tunnelResourceAccessor` on the project already.
   */
  readonly members: readonly string[];
  /** E-mail of the `bastion` account, which has no rights. */
  readonly account: Input<string>;
  /** Key of one's own for the boot disk. Null: Google's. */
  readonly encryptionKey: Input<string> | null;
  readonly transform?: { readonly instance?: Transform<InstanceArgs> };
}

/**
 * A machine without a public address that forwards one port to the database, reached through Google's Identity-Aware Proxy: who gets in is decided by
 * IAM, logged, and no shell is needed. What it forwards is TLS between the client and Postgres. About 6 USD a month; it holds nothing, and is made anew whenever
 * something about it changes. While it is gone, `up` cannot set up compartments, and services do not notice.
 */
export class Bastion extends ComponentResource {
  readonly instance: Instance;

  constructor(name: string, args: BastionArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Bastion", name, {}, options);
    // Its script runs at boot only, hence a new machine for a new script or database; the old one goes first, since the name is taken.
    this.instance = new Instance(
      name,
      applyTransform(instanceArgs(args), args.transform?.instance),
      childOptions(this, options, { replaceOnChanges: ["metadata"], deleteBeforeReplace: true }),
    );
    args.members.forEach((member) => {
      new TunnelInstanceIAMMember(
        `${name}-${member}`,
        {
          project: args.project,
          zone: args.zone,
          instance: this.instance.name,
          role: "roles/iap.tunnelResourceAccessor",
          member,
          condition: { title: "postgres-only", description: "The forwarded port, not SSH.", expression: "destination.port == 5432" },
        },
        childOptions(this, options),
      );
    });
    this.registerOutputs({ instance: this.instance.name });
  }
}

function instanceArgs({ stack, zone, subnetwork, tag, databaseAddress, account, encryptionKey }: BastionArgs): InstanceArgs {
  return {
    name: namesOf(stack).bastion,
    zone,
    machineType: "e2-micro",
    allowStoppingForUpdate: true,
    canIpForward: false,
    deletionProtection: false,
    tags: [tag],
    labels: labelsOf(stack),
    bootDisk: {
      autoDelete: true,
      initializeParams: { image: "debian-cloud/debian-12", size: 10, type: "pd-balanced", labels: labelsOf(stack) },
      ...(encryptionKey === null ? {} : { kmsKeySelfLink: encryptionKey }),
    },
    // No accessConfigs: no public address.
    networkInterfaces: [{ subnetwork }],
    serviceAccount: { email: account, scopes: ["https://www.googleapis.com/auth/logging.write"] },
    shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
    metadata: {
      "enable-oslogin": "TRUE",
      "block-project-ssh-keys": "true",
      "serial-port-enable": "false",
      "startup-script": output(databaseAddress).apply(bastionStartupScript),
    },
  };
}

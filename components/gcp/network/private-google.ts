import { ManagedZone } from "@pulumi/gcp/dns/managedZone";
import { RecordSet } from "@pulumi/gcp/dns/recordSet";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input } from "@pulumi/pulumi";

import { childOptions } from "../child-options";
import { labelsOf } from "../labels";

/**
 * Where Google answers for its APIs, Artifact Registry and Cloud Run on addresses that only its own network routes. (VPC documentation, "Configure Private Google Access":
 * private.googleapis.com.)
 */
export const PRIVATE_GOOGLE_RANGE = "199.36.153.8/30";

const ADDRESSES = ["199.36.153.8", "199.36.153.9", "199.36.153.10", "199.36.153.11"];

/** Google's domains that are used from within: its APIs, our services calling each other, and the images that machines pull. */
const DOMAINS = ["googleapis.com", "run.app", "pkg.dev", "gcr.io"] as const;

export interface PrivateGoogleArgs {
  /** Pulumi stack. */
  readonly stack: string;
  /** Id of the VPC that resolves these names so; nobody else does. */
  readonly network: Input<string>;
}

/**
 * Google's names resolve to one small range within the VPC, so that the firewall can let Google in its four domains through and nothing else of the
 * internet. It is also what makes a call from one service to another count as internal: Cloud Run with internal ingress refuses what comes over the
 * internet.
 *
 * Other domains of Google (`accounts.google.com`, say) are not in it and are out of reach. About 0.20 USD a month for each zone.
 */
export class PrivateGoogle extends ComponentResource {
  constructor(name: string, { stack, network }: PrivateGoogleArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:PrivateGoogle", name, {}, options);
    for (const domain of DOMAINS) {
      const dnsName = `${domain}.`;
      const child = `${name}-${domain.replace(".", "-")}`;
      const zone = new ManagedZone(
        child,
        {
          dnsName,
          visibility: "private",
          privateVisibilityConfig: { networks: [{ networkUrl: network }] },
          description: `${domain} over Private Google Access, for the Bulkhead stack ${stack}.`,
          labels: labelsOf(stack),
        },
        childOptions(this, options),
      );
      const record = (suffix: string, host: string) =>
        new RecordSet(`${child}-${suffix}`, { managedZone: zone.name, name: host, type: "A", ttl: 300, rrdatas: ADDRESSES }, childOptions(this, options));
      record("apex", dnsName);
      record("all", `*.${dnsName}`);
    }
    this.registerOutputs({});
  }
}

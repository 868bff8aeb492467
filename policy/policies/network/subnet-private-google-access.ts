import type { SubnetworkArgs } from "@pulumi/gcp/compute/subnetwork";

import { resourceRule } from "../../rule";

export const subnetPrivateGoogleAccess = resourceRule<SubnetworkArgs>({
  name: "subnet-private-google-access",
  description: "Machines without public address reach Google's APIs privately.",
  severity: "medium",
  controls: ["CKV_GCP_74", "AVD-GCP-0075", "KICS google_compute_subnetwork_with_private_google_access_disabled"],
  remediation: "privateIpGoogleAccess: true",
  types: ["gcp:compute/subnetwork:Subnetwork"],
  check({ privateIpGoogleAccess }, report) {
    if (privateIpGoogleAccess !== true) report("privateIpGoogleAccess is off");
  },
});

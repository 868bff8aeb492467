import type { NetworkArgs } from "@pulumi/gcp/compute/network";

import { resourceRule } from "../../rule";

export const networkCustomSubnets = resourceRule<NetworkArgs>({
  name: "network-custom-subnets",
  description: "A VPC has no subnets but ours.",
  severity: "high",
  controls: ["CIS 3.2", "CKV2_GCP_2", "KICS legacy_networks_exist_for_project"],
  remediation: "autoCreateSubnetworks: false",
  types: ["gcp:compute/network:Network"],
  check({ autoCreateSubnetworks }, report) {
    if (autoCreateSubnetworks !== false) report(autoCreateSubnetworks === undefined ? "autoCreateSubnetworks is left to its default, true" : "a subnet is made in every region");
  },
});

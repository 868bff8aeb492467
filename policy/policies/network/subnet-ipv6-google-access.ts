import type { SubnetworkArgs } from "@pulumi/gcp/compute/subnetwork";

import { resourceRule } from "../../rule";

export const subnetIpv6GoogleAccess = resourceRule<SubnetworkArgs>({
  name: "subnet-ipv6-google-access",
  description: "Where a subnet has IPv6, Google's APIs are reached privately over it too.",
  severity: "low",
  controls: ["CKV_GCP_76"],
  remediation: "privateIpv6GoogleAccess: \"ENABLE_OUTBOUND_VM_ACCESS_TO_GOOGLE\"",
  types: ["gcp:compute/subnetwork:Subnetwork"],
  check({ stackType, privateIpv6GoogleAccess }, report) {
    if (stackType?.includes("IPV6") === true && !privateIpv6GoogleAccess?.startsWith("ENABLE_")) report("privateIpv6GoogleAccess is off");
  },
});

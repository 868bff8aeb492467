import type { InstanceArgs } from "@pulumi/gcp/compute/instance";

import { resourceRule } from "../../rule";

export const machineNoPublicAddress = resourceRule<InstanceArgs>({
  name: "machine-no-public-address",
  description: "A machine has no public address.",
  severity: "critical",
  controls: ["CIS 4.9", "CKV_GCP_40"],
  remediation: "networkInterfaces[]: no accessConfigs, no ipv6AccessConfigs",
  types: ["gcp:compute/instance:Instance"],
  check({ networkInterfaces }, report) {
    if (networkInterfaces.some(({ accessConfigs = [], ipv6AccessConfigs = [] }) => accessConfigs.length + ipv6AccessConfigs.length > 0)) report("it has a public address");
  },
});

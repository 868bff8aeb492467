import type { InstanceArgs } from "@pulumi/gcp/compute/instance";

import { resourceRule } from "../../rule";

export const machineNoForwarding = resourceRule<InstanceArgs>({
  name: "machine-no-forwarding",
  description: "A machine forwards no packets of others.",
  severity: "medium",
  controls: ["CIS 4.6", "CKV_GCP_36"],
  remediation: "canIpForward: false",
  types: ["gcp:compute/instance:Instance"],
  check({ canIpForward }, report) {
    if (canIpForward === true) report("it forwards packets");
  },
});

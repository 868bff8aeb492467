import type { InstanceArgs } from "@pulumi/gcp/compute/instance";

import { resourceRule } from "../../rule";

export const machineShielded = resourceRule<InstanceArgs>({
  name: "machine-shielded",
  description: "A machine's start is measured (Shielded VM).",
  severity: "medium",
  controls: ["CIS 4.8", "CKV_GCP_39"],
  remediation: "shieldedInstanceConfig: { enableVtpm: true, enableIntegrityMonitoring: true }",
  types: ["gcp:compute/instance:Instance"],
  check({ shieldedInstanceConfig }, report) {
    if (shieldedInstanceConfig?.enableVtpm === false || shieldedInstanceConfig?.enableIntegrityMonitoring === false || shieldedInstanceConfig === undefined) report("its start is not measured");
  },
});

import type { SubnetworkArgs } from "@pulumi/gcp/compute/subnetwork";

import { resourceRule } from "../../rule";

export const subnetFlowLogs = resourceRule<SubnetworkArgs>({
  name: "subnet-flow-logs",
  description: "Flows are logged.",
  severity: "medium",
  controls: ["CIS 3.8", "CKV_GCP_26", "AVD-GCP-0029", "AVD-GCP-0076", "KICS google_compute_subnetwork_logging_disabled"],
  remediation: "logConfig: { flowSampling: 0.5, metadata: \"INCLUDE_ALL_METADATA\" }",
  types: ["gcp:compute/subnetwork:Subnetwork"],
  check({ logConfig }, report) {
    if (logConfig === undefined || logConfig.flowSampling === 0) report("flows are not logged");
  },
});

import type { WorkloadIdentityPoolProviderArgs } from "@pulumi/gcp/iam/workloadIdentityPoolProvider";

import { resourceRule } from "../../rule";

export const federationCondition = resourceRule<WorkloadIdentityPoolProviderArgs>({
  name: "federation-condition",
  description: "A pipeline elsewhere is let in only under a condition: without one, every repository of that host is.",
  severity: "high",
  controls: ["CKV_GCP_118", "CKV_GCP_125", "AVD-GCP-0068"],
  remediation: "attributeCondition: \"assertion.repository == 'owner/name'\"",
  types: ["gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"],
  check({ attributeCondition }, report) {
    if (attributeCondition === undefined || attributeCondition.trim() === "" || attributeCondition.trim() === "true") report("it has no condition");
  },
});

import type { ServiceArgs } from "@pulumi/gcp/cloudrunv2/service";

import { isGiven, resourceRule } from "../../rule";

export const runVpcEgress = resourceRule<ServiceArgs>({
  name: "run-vpc-egress",
  description: "A Cloud Run service reaches private addresses, and says which traffic goes through the VPC.",
  severity: "medium",
  controls: [],
  remediation: "template.vpcAccess with egress: \"ALL_TRAFFIC\" or \"PRIVATE_RANGES_ONLY\"",
  types: ["gcp:cloudrunv2/service:Service"],
  check({ template }, report) {
    const access = template?.vpcAccess;
    if (access === undefined) report("it is in no VPC");
    else if (access.egress !== "ALL_TRAFFIC" && access.egress !== "PRIVATE_RANGES_ONLY") report("its egress is left to its default");
    else if (isGiven(access, "connector") && (access.networkInterfaces?.length ?? 0) > 0) report("it has both a connector and an interface");
  },
});

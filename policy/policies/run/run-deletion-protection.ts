import type { ServiceArgs } from "@pulumi/gcp/cloudrunv2/service";

import { resourceRule } from "../../rule";

export const runDeletionProtection = resourceRule<ServiceArgs>({
  name: "run-deletion-protection",
  description: "A Cloud Run service is not deleted by mistake.",
  severity: "medium",
  controls: [],
  remediation: "deletionProtection: true",
  types: ["gcp:cloudrunv2/service:Service"],
  check({ deletionProtection }, report) {
    if (deletionProtection !== true) report("deletionProtection is off");
  },
});

import type { ServiceArgs } from "@pulumi/gcp/cloudrunv2/service";

import { isGiven, resourceRule } from "../../rule";

export const runBoundedInstances = resourceRule<ServiceArgs>({
  name: "run-bounded-instances",
  description: "A Cloud Run service has a highest number of instances: each takes connections from the database's budget.",
  severity: "high",
  controls: [],
  remediation: "template.scaling.maxInstanceCount: what the connection budget allows",
  types: ["gcp:cloudrunv2/service:Service"],
  check({ template }, report) {
    if (!isGiven(template?.scaling, "maxInstanceCount")) report("the number of its instances is Google's default");
  },
});

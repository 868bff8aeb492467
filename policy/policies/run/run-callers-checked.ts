import type { ServiceArgs } from "@pulumi/gcp/cloudrunv2/service";

import { resourceRule } from "../../rule";

export const runCallersChecked = resourceRule<ServiceArgs>({
  name: "run-callers-checked",
  description: "Callers are checked by IAM, but where only the load balancer can call.",
  severity: "critical",
  controls: [],
  remediation: "invokerIamDisabled: false, or defaultUriDisabled: true and ingress from the load balancer",
  types: ["gcp:cloudrunv2/service:Service"],
  check({ invokerIamDisabled, defaultUriDisabled, ingress }, report) {
    if (invokerIamDisabled === true && !(defaultUriDisabled === true && ingress === "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER")) report("everybody who reaches it may call it");
  },
});

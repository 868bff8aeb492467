import type { ServiceArgs } from "@pulumi/gcp/cloudrunv2/service";

import { resourceRule } from "../../rule";

export const runInternalIngress = resourceRule<ServiceArgs>({
  name: "run-internal-ingress",
  description: "A Cloud Run service takes calls from the VPC and the load balancer only.",
  severity: "critical",
  controls: [],
  remediation: "ingress: \"INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER\" or \"INGRESS_TRAFFIC_INTERNAL_ONLY\"",
  types: ["gcp:cloudrunv2/service:Service"],
  check({ ingress }, report) {
    if (ingress !== "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" && ingress !== "INGRESS_TRAFFIC_INTERNAL_ONLY") report(`ingress is ${ingress ?? "left to its default, everybody"}`);
  },
});

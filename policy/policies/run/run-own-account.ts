import type { ServiceArgs } from "@pulumi/gcp/cloudrunv2/service";

import { isGiven, resourceRule } from "../../rule";
import { isDefaultAccount } from "../iam/members";

export const runOwnAccount = resourceRule<ServiceArgs>({
  name: "run-own-account",
  description: "A Cloud Run service runs as a service account of its own, not as the project's default.",
  severity: "high",
  controls: [],
  remediation: "template.serviceAccount: an account made for this service",
  types: ["gcp:cloudrunv2/service:Service"],
  check({ template }, report) {
    if (!isGiven(template, "serviceAccount")) report("it runs as the project's default account");
    else if (isDefaultAccount(template.serviceAccount!)) report(`it runs as ${template.serviceAccount!}`);
  },
});

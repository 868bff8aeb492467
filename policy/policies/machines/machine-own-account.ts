import type { InstanceArgs } from "@pulumi/gcp/compute/instance";

import { isGiven, resourceRule } from "../../rule";
import { isDefaultAccount } from "../iam/members";

export const machineOwnAccount = resourceRule<InstanceArgs>({
  name: "machine-own-account",
  description: "A machine runs as a service account of its own.",
  severity: "high",
  controls: ["CIS 4.1", "CIS 4.2", "CKV_GCP_30"],
  remediation: "serviceAccount.email: an account made for it",
  types: ["gcp:compute/instance:Instance"],
  check({ serviceAccount }, report) {
    if (!isGiven(serviceAccount, "email")) report("it runs as the project's default account, or none");
    else if (isDefaultAccount(serviceAccount!.email!)) report(`it runs as ${serviceAccount!.email!}`);
  },
});

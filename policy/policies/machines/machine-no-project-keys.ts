import type { InstanceArgs } from "@pulumi/gcp/compute/instance";

import { resourceRule } from "../../rule";

export const machineNoProjectKeys = resourceRule<InstanceArgs>({
  name: "machine-no-project-keys",
  description: "SSH keys of the project let nobody into a machine.",
  severity: "medium",
  controls: ["CIS 4.3", "CKV_GCP_32"],
  remediation: "metadata: { \"block-project-ssh-keys\": \"true\" }",
  types: ["gcp:compute/instance:Instance"],
  check({ metadata }, report) {
    if (metadata?.["block-project-ssh-keys"] !== "true") report("the project's SSH keys let people in");
  },
});

import type { InstanceArgs } from "@pulumi/gcp/compute/instance";

import { resourceRule } from "../../rule";

export const machineDeletionProtection = resourceRule<InstanceArgs>({
  name: "machine-deletion-protection",
  description: "A machine with data of its own is not deleted by mistake.",
  severity: "medium",
  controls: [],
  remediation: "deletionProtection: true",
  types: ["gcp:compute/instance:Instance"],
  check({ attachedDisks = [], deletionProtection }, report) {
    if (attachedDisks.length > 0 && deletionProtection !== true) report("deletionProtection is off");
  },
});

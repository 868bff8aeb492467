import type { InstanceArgs } from "@pulumi/gcp/redis/instance";

import { resourceRule } from "../../rule";

export const redisDeletionProtection = resourceRule<InstanceArgs>({
  name: "redis-deletion-protection",
  description: "Memorystore is not deleted by mistake.",
  severity: "high",
  controls: [],
  remediation: "deletionProtection: true",
  types: ["gcp:redis/instance:Instance"],
  check({ deletionProtection }, report) {
    if (deletionProtection !== true) report("deletionProtection is off");
  },
});

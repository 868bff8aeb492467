import type { InstanceArgs } from "@pulumi/gcp/redis/instance";

import { resourceRule } from "../../rule";

export const redisPassword = resourceRule<InstanceArgs>({
  name: "redis-password",
  description: "Memorystore asks for its password.",
  severity: "high",
  controls: ["CKV_GCP_95"],
  remediation: "authEnabled: true",
  types: ["gcp:redis/instance:Instance"],
  check({ authEnabled }, report) {
    if (authEnabled !== true) report("whoever reaches it is let in");
  },
});

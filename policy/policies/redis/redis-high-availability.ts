import type { InstanceArgs } from "@pulumi/gcp/redis/instance";

import { resourceRule } from "../../rule";

export const redisHighAvailability = resourceRule<InstanceArgs>({
  name: "redis-high-availability",
  description: "Memorystore has a replica in another zone.",
  severity: "medium",
  controls: [],
  remediation: "tier: \"STANDARD_HA\"",
  types: ["gcp:redis/instance:Instance"],
  check({ tier }, report) {
    if (tier !== "STANDARD_HA") report(`tier is ${tier ?? "not set"}`);
  },
});

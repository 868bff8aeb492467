import type { InstanceArgs } from "@pulumi/gcp/redis/instance";

import { resourceRule } from "../../rule";

export const redisPersistence = resourceRule<InstanceArgs>({
  name: "redis-persistence",
  description: "Memorystore keeps snapshots.",
  severity: "low",
  controls: [],
  remediation: "persistenceConfig: { persistenceMode: \"RDB\", rdbSnapshotPeriod: \"TWELVE_HOURS\" }",
  types: ["gcp:redis/instance:Instance"],
  check({ persistenceConfig }, report) {
    if (persistenceConfig?.persistenceMode !== "RDB") report("nothing is kept when both copies are lost");
  },
});

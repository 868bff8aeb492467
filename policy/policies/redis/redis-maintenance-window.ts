import type { InstanceArgs } from "@pulumi/gcp/redis/instance";

import { resourceRule } from "../../rule";

export const redisMaintenanceWindow = resourceRule<InstanceArgs>({
  name: "redis-maintenance-window",
  description: "Memorystore is maintained at a time of our choice.",
  severity: "low",
  controls: [],
  remediation: "maintenancePolicy.weeklyMaintenanceWindows: one of them",
  types: ["gcp:redis/instance:Instance"],
  check({ maintenancePolicy }, report) {
    if ((maintenancePolicy?.weeklyMaintenanceWindows?.length ?? 0) === 0) report("maintenance may come at any time");
  },
});

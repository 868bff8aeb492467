import type { InstanceArgs } from "@pulumi/gcp/redis/instance";

import { isGiven, resourceRule } from "../../rule";

export const redisCustomerManagedKey = resourceRule<InstanceArgs>({
  name: "redis-customer-managed-key",
  description: "Memorystore's data is encrypted with a key of one's own.",
  severity: "medium",
  controls: [],
  remediation: "customerManagedKey: a key in Cloud KMS (bulkhead:encryption.customerManagedKeys: true)",
  optional: true,
  types: ["gcp:redis/instance:Instance"],
  check(props, report) {
    if (!isGiven(props, "customerManagedKey")) report("the key is Google's");
  },
});

import type { SecretArgs } from "@pulumi/gcp/secretmanager/secret";

import { isGiven, resourceRule } from "../../rule";

export const secretCustomerManagedKey = resourceRule<SecretArgs>({
  name: "secret-customer-managed-key",
  description: "Secrets are encrypted with a key of one's own.",
  severity: "medium",
  controls: [],
  remediation: "replication.userManaged.replicas[].customerManagedEncryption (bulkhead:encryption.customerManagedKeys: true)",
  optional: true,
  types: ["gcp:secretmanager/secret:Secret"],
  check({ replication }, report) {
    const encrypted = replication.userManaged?.replicas?.every((replica) => isGiven(replica, "customerManagedEncryption")) ?? isGiven(replication.auto, "customerManagedEncryption");
    if (!encrypted) report("the key is Google's");
  },
});

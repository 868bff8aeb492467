import type { ServiceArgs } from "@pulumi/gcp/cloudrunv2/service";

import { isGiven, resourceRule } from "../../rule";

export const runCustomerManagedKey = resourceRule<ServiceArgs>({
  name: "run-customer-managed-key",
  description: "A Cloud Run service's image is kept under a key of one's own.",
  severity: "low",
  controls: [],
  remediation: "template.encryptionKey: a key in Cloud KMS (bulkhead:encryption.customerManagedKeys: true)",
  optional: true,
  types: ["gcp:cloudrunv2/service:Service"],
  check({ template }, report) {
    if (!isGiven(template, "encryptionKey")) report("the key is Google's");
  },
});

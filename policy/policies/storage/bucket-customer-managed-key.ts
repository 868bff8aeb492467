import type { BucketArgs } from "@pulumi/gcp/storage/bucket";

import { isGiven, resourceRule } from "../../rule";

export const bucketCustomerManagedKey = resourceRule<BucketArgs>({
  name: "bucket-customer-managed-key",
  description: "A bucket is encrypted with a key of one's own.",
  severity: "low",
  controls: ["AVD-GCP-0066"],
  remediation: "encryption: { defaultKmsKeyName }",
  optional: true,
  types: ["gcp:storage/bucket:Bucket"],
  check({ encryption }, report) {
    if (!isGiven(encryption, "defaultKmsKeyName")) report("the key is Google's");
  },
});

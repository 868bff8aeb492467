import type { BucketArgs } from "@pulumi/gcp/storage/bucket";

import { resourceRule } from "../../rule";

export const bucketUniformAccess = resourceRule<BucketArgs>({
  name: "bucket-uniform-access",
  description: "Rights are those of the bucket, not of single objects.",
  severity: "medium",
  controls: ["CKV_GCP_29", "AVD-GCP-0002", "KICS google_storage_bucket_level_access_disabled"],
  remediation: "uniformBucketLevelAccess: true",
  types: ["gcp:storage/bucket:Bucket"],
  check({ uniformBucketLevelAccess }, report) {
    if (uniformBucketLevelAccess !== true) report("objects have rights of their own");
  },
});

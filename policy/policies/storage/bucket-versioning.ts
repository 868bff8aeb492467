import type { BucketArgs } from "@pulumi/gcp/storage/bucket";

import { resourceRule } from "../../rule";

export const bucketVersioning = resourceRule<BucketArgs>({
  name: "bucket-versioning",
  description: "An object that is overwritten can be called back.",
  severity: "medium",
  controls: ["CKV_GCP_78", "AVD-GCP-0078", "KICS cloud_storage_bucket_versioning_disabled"],
  remediation: "versioning: { enabled: true }",
  types: ["gcp:storage/bucket:Bucket"],
  check({ versioning }, report) {
    if (versioning?.enabled !== true) report("versions are not kept");
  },
});

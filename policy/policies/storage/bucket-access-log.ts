import type { BucketArgs } from "@pulumi/gcp/storage/bucket";

import { isGiven, resourceRule } from "../../rule";

export const bucketAccessLog = resourceRule<BucketArgs>({
  name: "bucket-access-log",
  description: "Access to a bucket is logged, in another one.",
  severity: "medium",
  controls: ["CKV_GCP_62", "CKV_GCP_63", "AVD-GCP-0077", "KICS cloud_storage_bucket_logging_not_enabled"],
  remediation: "logging: { logBucket: another bucket's name }",
  types: ["gcp:storage/bucket:Bucket"],
  check(props, report) {
    if (!isGiven(props.logging, "logBucket")) report("access is not logged");
    else if (isGiven(props, "name") && props.logging?.logBucket === props.name) report("it logs to itself");
  },
});

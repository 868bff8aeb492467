import type { BucketArgs } from "@pulumi/gcp/storage/bucket";

import { resourceRule } from "../../rule";

export const bucketPublicPrevention = resourceRule<BucketArgs>({
  name: "bucket-public-prevention",
  description: "A bucket cannot be made public.",
  severity: "high",
  controls: ["CKV_GCP_114"],
  remediation: "publicAccessPrevention: \"enforced\"",
  types: ["gcp:storage/bucket:Bucket"],
  check({ publicAccessPrevention }, report) {
    if (publicAccessPrevention !== "enforced") report("nothing prevents public access");
  },
});

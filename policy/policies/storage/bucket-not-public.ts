import { notPublicRule } from "../iam/members";

export const bucketNotPublic = notPublicRule({
  name: "bucket-not-public",
  description: "A bucket is not readable by everybody.",
  severity: "critical",
  controls: ["CKV_GCP_28", "AVD-GCP-0001", "KICS cloud_storage_anonymous_or_publicly_accessible", "KICS cloud_storage_bucket_is_publicly_accessible"],
  types: /^gcp:storage\/\w*(IamMember|IAMMember|IamBinding|IAMBinding|IamPolicy|IAMPolicy):/,
});

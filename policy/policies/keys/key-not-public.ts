import { notPublicRule } from "../iam/members";

export const keyNotPublic = notPublicRule({
  name: "key-not-public",
  description: "A key is not used by everybody.",
  severity: "critical",
  controls: ["CIS 1.9", "CKV_GCP_112", "CKV2_GCP_6", "CKV2_GCP_8", "KICS kms_crypto_key_publicly_accessible", "KICS cloud_kms_key_rings_are_public"],
  types: /^gcp:kms\/\w*(IamMember|IAMMember|IamBinding|IAMBinding|IamPolicy|IAMPolicy):/,
});

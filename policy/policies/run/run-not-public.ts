import { notPublicRule } from "../iam/members";

export const runNotPublic = notPublicRule({
  name: "run-not-public",
  description: "A Cloud Run service is not called by everybody, be the grant of version 1 or 2 of the API.",
  severity: "critical",
  controls: ["CKV_GCP_102", "KICS cloud_run_service_is_public", "steampipe cloudrun_service_restrict_public_access"],
  types: /^gcp:cloudrun(v2)?\/\w*(iam|Iam)(Member|Binding|Policy):/,
});

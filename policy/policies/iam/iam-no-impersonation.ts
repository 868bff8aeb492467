import { grantRule, PROJECT_GRANT } from "./members";

export const iamNoImpersonation = grantRule({
  name: "iam-no-impersonation",
  description: "Nobody may act as every service account of the project.",
  severity: "high",
  controls: ["CIS 1.6", "CKV_GCP_41", "AVD-GCP-0011", "KICS google_project_iam_binding_service_account_has_token_creator_or_account_user_role", "KICS google_project_iam_member_service_account_has_token_creator_or_account_user_role"],
  remediation: "a gcp.serviceaccount.IAMMember on the one account instead",
  types: PROJECT_GRANT,
  finding: (grant) => (/^roles\/iam\.(serviceAccountUser|serviceAccountTokenCreator|workloadIdentityUser)$/.test(grant.role) ? `${grant.member} has ${grant.role} for the whole project` : null),
});

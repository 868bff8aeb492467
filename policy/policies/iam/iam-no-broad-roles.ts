import { grantRule, isOwnServiceAccount, PROJECT_GRANT } from "./members";

/** Roles that are too wide for people, too. */
const BASIC: readonly string[] = ["roles/owner", "roles/editor", "roles/viewer"];

/** As Checkov matches them. Writing logs and metrics is no such right. */
const BROAD = /admin|editor|owner/i;

export const iamNoBroadRoles = grantRule({
  name: "iam-no-broad-roles",
  description: "A service account administers, edits or owns nothing in the project.",
  severity: "high",
  controls: ["CIS 1.5", "CKV_GCP_42", "CKV_GCP_49", "CKV_GCP_117", "AVD-GCP-0007", "KICS google_project_iam_member_service_account_has_admin_role", "KICS service_account_with_improper_privileges"],
  remediation: "role: the narrow role, on the one resource that needs it",
  types: PROJECT_GRANT,
  finding: (grant) => (BASIC.includes(grant.role) || (BROAD.test(grant.role) && isOwnServiceAccount(grant.member)) ? `${grant.member} has ${grant.role} for the whole project` : null),
});

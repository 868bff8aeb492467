import { grantRule, PROJECT_GRANT } from "../iam/members";

export const secretAccessPerSecret = grantRule({
  name: "secret-access-per-secret",
  description: "Nobody reads all of a project's secrets: access is granted secret by secret.",
  severity: "critical",
  controls: [],
  remediation: "a gcp.secretmanager.SecretIamMember on the one secret instead",
  types: PROJECT_GRANT,
  finding: (grant) => (grant.role.startsWith("roles/secretmanager.") && grant.role !== "roles/secretmanager.viewer" ? `${grant.member} has ${grant.role} for the whole project` : null),
});

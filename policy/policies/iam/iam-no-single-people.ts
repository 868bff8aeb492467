import { grantRule, PROJECT_GRANT } from "./members";

export const iamNoSinglePeople = grantRule({
  name: "iam-no-single-people",
  description: "In a project, rights are granted to groups, not to single people.",
  severity: "low",
  controls: ["AVD-GCP-0003"],
  remediation: "member: group:…",
  types: PROJECT_GRANT,
  finding: (grant) => (grant.member.startsWith("user:") ? `${grant.member} has ${grant.role} for the whole project` : null),
});

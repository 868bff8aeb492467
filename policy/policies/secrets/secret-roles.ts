import { grantRule } from "../iam/members";

const NARROW: readonly string[] = ["secretAccessor", "secretVersionAdder", "secretVersionManager", "viewer"].map((role) => `roles/secretmanager.${role}`);

export const secretRoles = grantRule({
  name: "secret-roles",
  description: "On a secret one may read it or write versions of it, not administer it.",
  severity: "high",
  controls: [],
  remediation: "role: roles/secretmanager.secretAccessor, or for the setup roles/secretmanager.secretVersionManager",
  types: /^gcp:secretmanager\/\w*secretIam(Member|Binding|Policy):/i,
  finding: (grant) => (NARROW.includes(grant.role) ? null : `${grant.member} has ${grant.role}`),
});

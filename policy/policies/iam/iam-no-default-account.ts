import { ANY_GRANT, grantRule, isDefaultAccount } from "./members";

export const iamNoDefaultAccount = grantRule({
  name: "iam-no-default-account",
  description: "The accounts that Google makes with a project are granted nothing.",
  severity: "medium",
  controls: ["CKV_GCP_46", "AVD-GCP-0006"],
  remediation: "member: a service account made for the purpose",
  types: ANY_GRANT,
  finding: (grant) => (isDefaultAccount(grant.member) ? `${grant.member} has ${grant.role}` : null),
});

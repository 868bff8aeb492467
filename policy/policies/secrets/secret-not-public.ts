import { notPublicRule } from "../iam/members";

export const secretNotPublic = notPublicRule({
  name: "secret-not-public",
  description: "A secret is not readable by everybody.",
  severity: "critical",
  controls: ["prowler secretmanager_secret_not_publicly_accessible"],
  types: /^gcp:secretmanager\/\w*secretIam(Member|Binding|Policy):/i,
});

import { notPublicRule } from "./members";

export const iamNotPublic = notPublicRule({
  name: "iam-not-public",
  description: "Nothing is granted to everybody.",
  severity: "critical",
  controls: [],
  // Of four kinds of resource, rules of their own say so, with their scanners' ids.
  types: /^gcp:(?!secretmanager\/|kms\/|storage\/|cloudrun).*(IamMember|IAMMember|IamBinding|IAMBinding|IamPolicy|IAMPolicy)$/,
});

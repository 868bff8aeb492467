import { flagRule } from "./flag-rule";

export const sqlIamAuthentication = flagRule({
  name: "sql-iam-authentication",
  description: "People can log in with their Google identity, so that nobody needs a shared password.",
  severity: "medium",
  controls: ["CIS v5 6.6"],
  flag: "cloudsql.iam_authentication",
  values: ["on"],
});

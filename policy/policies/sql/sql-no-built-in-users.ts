import type { UserArgs } from "@pulumi/gcp/sql/user";

import { resourceRule } from "../../rule";

export const sqlNoBuiltInUsers = resourceRule<UserArgs>({
  name: "sql-no-built-in-users",
  description: "Logins with a password are made in SQL: the API makes each a member of cloudsqlsuperuser unless it is told other roles, and Pulumi keeps its password.",
  severity: "high",
  controls: [],
  remediation: "declare the service in services.ts; for a person, type: \"CLOUD_IAM_USER\"",
  types: ["gcp:sql/user:User"],
  check({ type, databaseRoles }, report) {
    if ((type ?? "BUILT_IN") === "BUILT_IN" && (databaseRoles?.length ?? 0) === 0) report("the login is a member of cloudsqlsuperuser");
  },
});

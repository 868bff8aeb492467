import { flagRule } from "./flag-rule";

export const sqlLogsStatements = flagRule({
  name: "sql-logs-statements",
  description: "Changes of the schema are logged.",
  severity: "medium",
  controls: ["CIS 6.2.4", "CKV_GCP_111"],
  flag: "log_statement",
  values: ["ddl", "mod", "all"],
});

import { flagRule } from "./flag-rule";

export const sqlLogsErrorStatements = flagRule({
  name: "sql-logs-error-statements",
  description: "The statement that failed is logged with its error.",
  severity: "low",
  controls: ["CIS 6.2.6", "CKV_GCP_109"],
  flag: "log_min_error_statement",
  values: ["error", "warning", "notice", "info", "debug1", "debug2", "debug3", "debug4", "debug5"],
});

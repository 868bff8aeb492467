import { flagRule } from "./flag-rule";

export const sqlNoStatementDurations = flagRule({
  name: "sql-no-statement-durations",
  description: "Slow statements are not logged with their values; Query Insights shows them without.",
  severity: "low",
  controls: ["CIS 6.2.7", "CKV_GCP_57", "AVD-GCP-0021"],
  flag: "log_min_duration_statement",
  values: ["-1"],
});

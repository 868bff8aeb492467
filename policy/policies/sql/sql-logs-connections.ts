import { flagRule } from "./flag-rule";

export const sqlLogsConnections = flagRule({
  name: "sql-logs-connections",
  description: "Every login is logged.",
  severity: "medium",
  controls: ["CIS 6.2.2", "CKV_GCP_52", "AVD-GCP-0016"],
  flag: "log_connections",
  values: ["on"],
});

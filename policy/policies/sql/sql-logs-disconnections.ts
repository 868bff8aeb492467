import { flagRule } from "./flag-rule";

export const sqlLogsDisconnections = flagRule({
  name: "sql-logs-disconnections",
  description: "Every end of a session is logged.",
  severity: "medium",
  controls: ["CIS 6.2.3", "CKV_GCP_53", "AVD-GCP-0022"],
  flag: "log_disconnections",
  values: ["on"],
});

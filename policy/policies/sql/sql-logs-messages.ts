import { flagRule } from "./flag-rule";

export const sqlLogsMessages = flagRule({
  name: "sql-logs-messages",
  description: "Warnings and worse are logged.",
  severity: "low",
  controls: ["CIS 6.2.5", "CKV_GCP_55", "AVD-GCP-0018"],
  flag: "log_min_messages",
  values: ["warning", "notice", "info", "log", "debug1", "debug2", "debug3", "debug4", "debug5"],
});

import { flagRule } from "./flag-rule";

export const sqlLogsCheckpoints = flagRule({
  name: "sql-logs-checkpoints",
  description: "Checkpoints are logged.",
  severity: "medium",
  controls: ["CKV_GCP_51", "AVD-GCP-0025"],
  flag: "log_checkpoints",
  values: ["on"],
});

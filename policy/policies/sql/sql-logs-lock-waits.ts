import { flagRule } from "./flag-rule";

export const sqlLogsLockWaits = flagRule({
  name: "sql-logs-lock-waits",
  description: "Sessions that wait long for a lock are logged.",
  severity: "medium",
  controls: ["CKV_GCP_54", "AVD-GCP-0020"],
  flag: "log_lock_waits",
  values: ["on"],
});

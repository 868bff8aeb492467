import { flagRule } from "./flag-rule";

export const sqlLogsTemporaryFiles = flagRule({
  name: "sql-logs-temporary-files",
  description: "Every temporary file is logged: a sort or hash that did not fit into memory.",
  severity: "medium",
  controls: ["CKV_GCP_56", "AVD-GCP-0014"],
  flag: "log_temp_files",
  values: ["0"],
});

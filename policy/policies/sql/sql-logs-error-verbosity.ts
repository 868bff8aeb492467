import { flagRule } from "./flag-rule";

export const sqlLogsErrorVerbosity = flagRule({
  name: "sql-logs-error-verbosity",
  description: "Errors are logged without the source code's file and line, which verbose adds.",
  severity: "low",
  controls: ["CIS 6.2.1"],
  flag: "log_error_verbosity",
  values: ["default", "terse"],
});

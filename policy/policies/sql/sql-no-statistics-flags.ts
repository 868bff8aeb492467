import { flagOf, instanceRule } from "./instance";

const FLAGS = ["log_executor_stats", "log_parser_stats", "log_planner_stats", "log_statement_stats"] as const;

export const sqlNoStatisticsFlags = instanceRule({
  name: "sql-no-statistics-flags",
  description: "The planner's and executor's statistics are not written into the log of every statement.",
  severity: "low",
  controls: ["CKV2_GCP_14", "CKV2_GCP_15", "CKV2_GCP_16", "CKV2_GCP_17"],
  remediation: `settings.databaseFlags: ${FLAGS.join(", ")}: "off"`,
  check(props, report) {
    for (const flag of FLAGS) if (flagOf(props, flag) === "on") report(`the flag ${flag} is on`);
  },
});

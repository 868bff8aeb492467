import { instanceRule } from "./instance";

export const sqlQueryInsights = instanceRule({
  name: "sql-query-insights",
  description: "Query Insights is on: what statements cost, without their values.",
  severity: "low",
  controls: [],
  remediation: "settings.insightsConfig.queryInsightsEnabled: true",
  check({ settings }, report) {
    if (settings?.insightsConfig?.queryInsightsEnabled !== true) report("Query Insights is off");
  },
});

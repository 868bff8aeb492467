import { primaryRule } from "./instance";

export const sqlDiskLimit = primaryRule({
  name: "sql-disk-limit",
  description: "A disk that grows by itself stops somewhere.",
  severity: "low",
  controls: [],
  remediation: "settings.diskAutoresizeLimit: a size in GB",
  check({ settings }, report) {
    if (settings?.diskAutoresize !== false && (settings?.diskAutoresizeLimit ?? 0) === 0) report("the disk grows without a limit");
  },
});

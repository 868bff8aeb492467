import { primaryRule } from "./instance";

export const sqlPointInTimeRecovery = primaryRule({
  name: "sql-point-in-time-recovery",
  description: "A primary can be restored to any moment.",
  severity: "high",
  controls: [],
  remediation: "settings.backupConfiguration.pointInTimeRecoveryEnabled: true",
  check({ settings }, report) {
    if (settings?.backupConfiguration?.pointInTimeRecoveryEnabled !== true) report("point-in-time recovery is off");
  },
});

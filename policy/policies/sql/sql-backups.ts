import { isGiven } from "../../rule";
import { primaryRule } from "./instance";

export const sqlBackups = primaryRule({
  name: "sql-backups",
  description: "A primary is backed up daily, at a time of our choice.",
  severity: "high",
  controls: ["CIS v4 6.7", "CIS v5 6.8", "CKV_GCP_14", "AVD-GCP-0024", "KICS sql_db_instance_backup_disabled", "prowler cloudsql_instance_automated_backups"],
  remediation: "settings.backupConfiguration: { enabled: true, startTime: \"02:00\" }",
  check({ settings }, report) {
    const backup = settings?.backupConfiguration;
    if (backup?.enabled !== true) report("backups are off");
    else if (!isGiven(backup, "startTime")) report("backups have no start time");
  },
});

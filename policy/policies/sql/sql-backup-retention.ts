import { primaryRule } from "./instance";

/** A mistake is often seen only after the weekend. */
const WANTED = 7;

export const sqlBackupRetention = primaryRule({
  name: "sql-backup-retention",
  description: "Backups of at least seven days are kept, and say so.",
  severity: "medium",
  controls: [],
  remediation: "settings.backupConfiguration.backupRetentionSettings.retainedBackups: 7 or more",
  check({ settings }, report) {
    const retained = settings?.backupConfiguration?.backupRetentionSettings?.retainedBackups;
    if (retained === undefined || retained < WANTED) report(`${retained ?? "an unstated number of"} backups are kept`);
  },
});

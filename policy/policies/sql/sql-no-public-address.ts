import { instanceRule } from "./instance";

export const sqlNoPublicAddress = instanceRule({
  name: "sql-no-public-address",
  description: "A Cloud SQL instance has no public address, and says so: where it does not say, the provider gives one.",
  severity: "critical",
  controls: ["CIS v4 6.6", "CIS v5 6.7", "CKV_GCP_60", "AVD-GCP-0017", "KICS sql_db_instance_is_publicly_accessible", "prowler cloudsql_instance_public_ip"],
  remediation: "settings.ipConfiguration.ipv4Enabled: false",
  check({ settings }, report) {
    const enabled = settings?.ipConfiguration?.ipv4Enabled;
    if (enabled !== false) report(enabled === undefined ? "ipv4Enabled is left to its default, true" : "the instance has a public address");
  },
});

import { flagRule } from "./flag-rule";

export const sqlPgaudit = flagRule({
  name: "sql-pgaudit",
  description: "Sessions can be audited: pgAudit is there.",
  severity: "medium",
  controls: ["CIS 6.2.8", "CKV_GCP_110"],
  flag: "cloudsql.enable_pgaudit",
  values: ["on"],
});

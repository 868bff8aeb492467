import { instanceRule } from "./instance";

export const sqlDeletionProtection = instanceRule({
  name: "sql-deletion-protection",
  description: "Both deletion protections are on: the provider's stops Pulumi, the API's everybody else.",
  severity: "critical",
  controls: ["CIS v5 6.9"],
  remediation: "deletionProtection: true and settings.deletionProtectionEnabled: true",
  check({ deletionProtection, settings }, report) {
    if (deletionProtection !== true) report("deletionProtection, the provider's, is off");
    if (settings?.deletionProtectionEnabled !== true) report("settings.deletionProtectionEnabled, the API's, is off");
  },
});

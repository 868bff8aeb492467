import { primaryRule } from "./instance";

export const sqlHighAvailability = primaryRule({
  name: "sql-high-availability",
  description: "A primary has a standby in another zone.",
  severity: "high",
  controls: ["prowler cloudsql_instance_high_availability_enabled"],
  remediation: "settings.availabilityType: \"REGIONAL\"",
  check({ settings }, report) {
    const type = settings?.availabilityType;
    if (type !== "REGIONAL") report(`availabilityType is ${type ?? "not set"}`);
  },
});

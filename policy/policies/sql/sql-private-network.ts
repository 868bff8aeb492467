import { isGiven } from "../../rule";
import { instanceRule } from "./instance";

export const sqlPrivateNetwork = instanceRule({
  name: "sql-private-network",
  description: "A Cloud SQL instance is in a VPC.",
  severity: "high",
  controls: ["prowler cloudsql_instance_private_ip_assignment"],
  remediation: "settings.ipConfiguration.privateNetwork: the VPC's id",
  check({ settings }, report) {
    if (!isGiven(settings?.ipConfiguration, "privateNetwork")) report("the instance is in no VPC");
  },
});

import type { FirewallArgs } from "@pulumi/gcp/compute/firewall";

import { isGiven, resourceRule } from "../../rule";

export const firewallLogging = resourceRule<FirewallArgs>({
  name: "firewall-logging",
  description: "What a rule lets through or stops is logged.",
  severity: "low",
  controls: ["steampipe compute_firewall_rule_logging_enabled"],
  remediation: "logConfig: { metadata: \"INCLUDE_ALL_METADATA\" }",
  types: ["gcp:compute/firewall:Firewall"],
  check(props, report) {
    if (!isGiven(props, "logConfig")) report("it is not logged");
  },
});

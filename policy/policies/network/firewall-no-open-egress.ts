import type { FirewallArgs } from "@pulumi/gcp/compute/firewall";

import { resourceRule } from "../../rule";
import { isWide } from "./ranges";

export const firewallNoOpenEgress = resourceRule<FirewallArgs>({
  name: "firewall-no-open-egress",
  description: "Nothing is let out to everywhere: a partner gets a rule with the partner's ranges.",
  severity: "critical",
  controls: ["AVD-GCP-0035"],
  remediation: "destinationRanges: the ranges that are needed",
  types: ["gcp:compute/firewall:Firewall"],
  check({ direction, allows = [], disabled, destinationRanges = ["0.0.0.0/0"] }, report) {
    if (direction !== "EGRESS" || disabled === true || allows.length === 0) return;
    const open = destinationRanges.find(isWide);
    if (open !== undefined) report(`it lets everything out to ${open}`);
  },
});

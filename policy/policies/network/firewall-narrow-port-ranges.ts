import type { FirewallArgs } from "@pulumi/gcp/compute/firewall";

import { resourceRule } from "../../rule";

const WIDEST = 30;

export const firewallNarrowPortRanges = resourceRule<FirewallArgs>({
  name: "firewall-narrow-port-ranges",
  description: "A range of ports has 30 of them at most.",
  severity: "low",
  controls: ["AVD-GCP-0074", "KICS google_compute_network_using_firewall_rule_allows_port_range"],
  remediation: "allows[].ports: the ports by themselves",
  types: ["gcp:compute/firewall:Firewall"],
  check({ allows = [] }, report) {
    for (const range of allows.flatMap(({ ports = [] }) => ports)) {
      const [first, last = first] = range.split("-").map(Number);
      if (last! - first! >= WIDEST) report(`it allows the ports ${range}`);
    }
  },
});

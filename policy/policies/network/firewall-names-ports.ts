import type { FirewallArgs } from "@pulumi/gcp/compute/firewall";

import { resourceRule } from "../../rule";

/** Protocols that have ports, by name and number. */
const WITH_PORTS = ["tcp", "udp", "sctp", "6", "17", "132"];

export const firewallNamesPorts = resourceRule<FirewallArgs>({
  name: "firewall-names-ports",
  description: "What is allowed is allowed at ports that are named.",
  severity: "medium",
  controls: ["AVD-GCP-0072", "KICS google_compute_network_using_firewall_rule_allows_all_ports"],
  remediation: "allows: [{ protocol: \"tcp\", ports: [\"5432\"] }]",
  types: ["gcp:compute/firewall:Firewall"],
  check({ allows = [] }, report) {
    for (const { protocol, ports = [] } of allows) {
      if (protocol === "all" || (WITH_PORTS.includes(protocol.toLowerCase()) && ports.length === 0) || ports.includes("0-65535")) report(`it allows every port of ${protocol}`);
    }
  },
});

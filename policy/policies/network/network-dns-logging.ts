import { stackRule } from "../../rule";

export const networkDnsLogging = stackRule({
  name: "network-dns-logging",
  description: "The names that are looked up in a VPC are logged.",
  severity: "low",
  controls: ["CIS 2.12"],
  remediation: "a gcp.dns.Policy with enableLogging: true for the VPC",
  types: ["gcp:compute/network:Network", "gcp:dns/policy:Policy"],
  check(resources, report) {
    const networks = resources.filter(({ type }) => type.endsWith(":Network"));
    const logging = resources.filter(({ type, props }) => type.endsWith(":Policy") && props["enableLogging"] === true);
    if (networks.length > 0 && logging.length === 0) report(`${networks.map(({ name }) => name).join(", ")}: look-ups are not logged`);
  },
});

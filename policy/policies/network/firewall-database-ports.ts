import type { FirewallArgs } from "@pulumi/gcp/compute/firewall";

import { resourceRule } from "../../rule";
import { IAP_RANGE } from "../../../components/gcp/network/firewall-rules";
import { isPrivateRange } from "./ranges";

/** Postgres, Memorystore without and with TLS, ClickHouse over HTTP, HTTPS and its own protocol, each without and with TLS. */
const DATABASE_PORTS = [5432, 6379, 6378, 8123, 8443, 9000, 9440];

function covers({ protocol, ports = [] }: { readonly protocol: string; readonly ports?: readonly string[] | undefined }, port: number): boolean {
  if (!["all", "tcp", "6"].includes(protocol.toLowerCase())) return false;
  return ports.length === 0 || ports.some((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return first! <= port && port <= last!;
  });
}

export const firewallDatabasePorts = resourceRule<FirewallArgs>({
  name: "firewall-database-ports",
  description: "A rule about a database's port is for machines that it names, and for private addresses.",
  severity: "critical",
  controls: [],
  remediation: "targetTags or targetServiceAccounts, and sourceRanges or destinationRanges within the VPC",
  types: ["gcp:compute/firewall:Firewall"],
  check(rule, report) {
    const { direction = "INGRESS", allows = [], disabled } = rule;
    const ports = DATABASE_PORTS.filter((port) => allows.some((allowed) => covers(allowed, port)));
    if (disabled === true || ports.length === 0) return;
    const what = `it opens ${ports.join(", ")}`;
    if ([...(rule.targetTags ?? []), ...(rule.targetServiceAccounts ?? [])].length === 0) report(`${what} for every machine of the VPC`);
    const ranges = (direction === "INGRESS" ? rule.sourceRanges : rule.destinationRanges) ?? [];
    const outside = ranges.filter((range) => !isPrivateRange(range) && range !== IAP_RANGE);
    if (outside.length > 0) report(`${what} for ${outside.join(", ")}`);
    const named = direction === "INGRESS" ? [...(rule.sourceTags ?? []), ...(rule.sourceServiceAccounts ?? [])] : [];
    if (ranges.length === 0 && named.length === 0) report(`${what} for every address`);
  },
});

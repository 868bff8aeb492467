import type { FirewallArgs } from "@pulumi/gcp/compute/firewall";

import { stackRule } from "../../rule";
import type { Props } from "../../rule";
import { isEverywhere } from "./ranges";

type FirewallProps = Props<FirewallArgs>;

function deniesAll(rule: FirewallProps, wanted: string): boolean {
  const { direction = "INGRESS", denies = [], disabled } = rule;
  const ranges = (wanted === "INGRESS" ? rule.sourceRanges : rule.destinationRanges) ?? [];
  return direction === wanted && disabled !== true && (rule.targetTags ?? []).length === 0 && (rule.targetServiceAccounts ?? []).length === 0 && denies.some(({ protocol }) => protocol === "all") && ranges.some(isEverywhere);
}

export const networkDeniesByDefault = stackRule({
  name: "network-denies-by-default",
  description: "A VPC has a firewall of its own, which denies in both directions what no rule allows.",
  severity: "high",
  controls: ["CKV2_GCP_18", "AVD-GCP-0073", "KICS google_compute_network_using_default_firewall_rule"],
  remediation: "a gcp.compute.Firewall with denies: [{ protocol: \"all\" }] for each direction",
  types: ["gcp:compute/network:Network", "gcp:compute/firewall:Firewall"],
  check(resources, report) {
    if (!resources.some(({ type }) => type.endsWith(":Network"))) return;
    for (const direction of ["INGRESS", "EGRESS"]) {
      const denied = resources.some(({ type, props }) => type.endsWith(":Firewall") && deniesAll(props as FirewallProps, direction));
      if (!denied) report(`no rule denies ${direction === "INGRESS" ? "what comes in" : "what goes out"}`);
    }
  },
});

import type { FirewallArgs } from "@pulumi/gcp/compute/firewall";

import { resourceRule } from "../../rule";
import { isWide } from "./ranges";

export const firewallNoOpenIngress = resourceRule<FirewallArgs>({
  name: "firewall-no-open-ingress",
  description: "Nobody is let in from everywhere, at any port.",
  severity: "critical",
  controls: ["CIS 3.6", "CIS 3.7", "CKV_GCP_2", "CKV_GCP_3", "CKV_GCP_75", "CKV_GCP_77", "CKV_GCP_88", "CKV_GCP_106", "CKV2_GCP_12", "AVD-GCP-0027", "AVD-GCP-0070", "AVD-GCP-0071", "KICS firewall_ingress_allows_unrestricted_ftp_access", "KICS firewall_ingress_allows_unrestricted_mysql_access"],
  remediation: "sourceRanges: the ranges that need it, or sourceTags",
  types: ["gcp:compute/firewall:Firewall"],
  check({ direction = "INGRESS", allows = [], disabled, sourceRanges = [], sourceTags = [], sourceServiceAccounts = [] }, report) {
    if (direction !== "INGRESS" || disabled === true || allows.length === 0) return;
    const sources = [...sourceRanges, ...sourceTags, ...sourceServiceAccounts];
    // Without any source the provider says 0.0.0.0/0.
    const open = sources.length === 0 ? "0.0.0.0/0" : sourceRanges.find(isWide);
    if (open !== undefined) report(`it lets ${open} in`);
  },
});

import type { SubnetworkArgs } from "@pulumi/gcp/compute/subnetwork";

import { resourceRule } from "../../rule";
import { isPrivateRange } from "./ranges";

export const subnetPrivateRange = resourceRule<SubnetworkArgs>({
  name: "subnet-private-range",
  description: "A subnet's addresses are private ones.",
  severity: "high",
  controls: [],
  remediation: "ipCidrRange: within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
  types: ["gcp:compute/subnetwork:Subnetwork"],
  check({ ipCidrRange }, report) {
    if (ipCidrRange !== undefined && !isPrivateRange(ipCidrRange)) report(`${ipCidrRange} is public`);
  },
});

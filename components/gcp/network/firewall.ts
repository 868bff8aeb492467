import { Firewall as Rule } from "@pulumi/gcp/compute/firewall";
import type { FirewallArgs as RuleArgs } from "@pulumi/gcp/compute/firewall";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input } from "@pulumi/pulumi";

import { childOptions } from "../child-options";
import type { FirewallRule } from "./firewall-rules";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

export interface FirewallArgs {
  /** Id of the VPC. */
  readonly network: Input<string>;
  /** What `firewallRules` gives, and rules of one's own behind it. A rule that allows `0.0.0.0/0` is refused by the policy pack. */
  readonly rules: readonly FirewallRule[];
  readonly transform?: { readonly rule?: Transform<RuleArgs> };
}

/**
 * The VPC's firewall, every rule logged: what was let through as well as what was not. The logs are the cost, about 0.50 USD a GiB.
 * A rule is found in the console, and in the logs, by its path: `<stack's name for it>-backend-to-postgres-…`.
 */
export class Firewall extends ComponentResource {
  constructor(name: string, { network, rules, transform }: FirewallArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Firewall", name, {}, options);
    for (const rule of rules) new Rule(`${name}-${rule.name}`, applyTransform(ruleArgs(network, rule), transform?.rule), childOptions(this, options));
    this.registerOutputs({});
  }
}

function ruleArgs(network: Input<string>, { description, direction, action, priority, protocol, ports, target, ranges }: FirewallRule): RuleArgs {
  const matches = [{ protocol, ...(ports.length === 0 ? {} : { ports: ports.map(String) }) }];
  return {
    network,
    description,
    direction,
    priority,
    disabled: false,
    ...(action === "allow" ? { allows: matches } : { denies: matches }),
    ...(target === null ? {} : { targetTags: [target] }),
    ...(direction === "INGRESS" ? { sourceRanges: [...ranges] } : { destinationRanges: [...ranges] }),
    logConfig: { metadata: "INCLUDE_ALL_METADATA" },
  };
}

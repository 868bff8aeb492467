import { SecurityPolicy } from "@pulumi/gcp/compute/securityPolicy";
import type { SecurityPolicyArgs } from "@pulumi/gcp/compute/securityPolicy";
import type { compute as inputs } from "@pulumi/gcp/types/input";
import type { CustomResourceOptions } from "@pulumi/pulumi";

import { labelsOf } from "../labels";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

/** Requests of one address in a minute, before it is told to wait: ten a second, for an office behind one address. A rule of thumb; see the log for who meets it. */
const REQUESTS_PER_MINUTE = 600;

/** Google's preconfigured rules (OWASP Core Rule Set 3.3), each at its first level of four: what hardly ever hits a rightful request. */
const RULE_SETS = ["sqli", "xss", "lfi", "rfi", "rce", "protocolattack", "sessionfixation", "scannerdetection"] as const;

/** What each asks of a request, by its name. The last are attacks that Google adds as they become known (Log4Shell among them), which have no version. */
const ATTACKS: readonly (readonly [string, string])[] = [
  ...RULE_SETS.map((set) => [set, `evaluatePreconfiguredWaf('${set}-v33-stable', {'sensitivity': 1})`] as const),
  ["cve-canary", "evaluatePreconfiguredWaf('cve-canary')"],
];

/** The last rule of every policy, by its number; Google demands it. */
const DEFAULT_PRIORITY = 2_147_483_647;
const RATE_LIMIT_PRIORITY = 2_000;
const FIRST_ATTACK_PRIORITY = 1_000;

/**
 * Cloud Armor in front of the services: attacks that the rule sets know are refused with 403, more than 600 requests a minute of one address with 429. About 5 USD a
 * month, 1 USD a rule, and 0.75 USD for a million requests. A rightful request that is refused is in the load balancer's log, with its rule; exclude that
 * one by the transform.
 */
export function armor(name: string, stack: string, transform: Transform<SecurityPolicyArgs> | undefined, options: CustomResourceOptions): SecurityPolicy {
  return new SecurityPolicy(
    name,
    applyTransform(
      {
        description: `Edge of the Bulkhead stack ${stack}`,
        type: "CLOUD_ARMOR",
        advancedOptionsConfig: { jsonParsing: "STANDARD", logLevel: "NORMAL" },
        labels: labelsOf(stack),
        rules: armorRules(),
      },
      transform,
    ),
    options,
  );
}

/** In the order in which they are asked. Attacks come first: the rate limit lets through what it does not refuse, and ends the matter. */
export function armorRules(): inputs.SecurityPolicyRule[] {
  return [
    ...ATTACKS.map(([attack, expression], index) => ({
      action: "deny(403)",
      priority: FIRST_ATTACK_PRIORITY + index,
      description: `Preconfigured: ${attack}`,
      match: { expr: { expression } },
    })),
    {
      action: "throttle",
      priority: RATE_LIMIT_PRIORITY,
      description: `${REQUESTS_PER_MINUTE} requests a minute of one address`,
      match: EVERYBODY,
      rateLimitOptions: { conformAction: "allow", exceedAction: "deny(429)", enforceOnKey: "IP", rateLimitThreshold: { count: REQUESTS_PER_MINUTE, intervalSec: 60 } },
    },
    { action: "allow", priority: DEFAULT_PRIORITY, description: "All others", match: EVERYBODY },
  ];
}

const EVERYBODY = { versionedExpr: "SRC_IPS_V1", config: { srcIpRanges: ["*"] } };

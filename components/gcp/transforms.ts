import type { ClickHouseArgs } from "./clickhouse";
import type { ServerlessEgressArgs } from "./egress";
import type { EdgeArgs } from "./edge";
import type { FirewallArgs } from "./firewall";
import type { FirewallRule } from "./firewall-rules";
import type { NetworkArgs } from "./network";
import type { RedisArgs } from "./redis";
import type { RunServicesArgs } from "./run-services";
import type { SecretsArgs } from "./secrets";
import type { SqlArgs } from "./sql";
import type { WatchArgs } from "./watch";

/** Where each component's children can be bent; see the component's `transform` for the names of its children. */
export interface GcpTransforms {
  readonly network?: NetworkArgs["transform"];
  readonly firewall?: FirewallArgs["transform"];
  /** Rules beside the tier's own, e.g. for a service that calls a partner: the world is closed to all of them. */
  readonly firewallRules?: readonly FirewallRule[];
  readonly egress?: ServerlessEgressArgs["transform"];
  readonly sql?: SqlArgs["transform"];
  readonly redis?: RedisArgs["transform"];
  readonly clickhouse?: ClickHouseArgs["transform"];
  readonly secrets?: SecretsArgs["transform"];
  readonly services?: RunServicesArgs["transform"];
  readonly edge?: EdgeArgs["transform"];
  readonly watch?: WatchArgs["transform"];
}

/**
 * The hatch for what the configuration has no setting for: arguments of single resources, replaced (`{ sql: { instance: { timeZone: "…" } } }`)
 * or computed from the defaults by a function. The policy pack judges the result like everything else.
 */
export const transforms: GcpTransforms = {};

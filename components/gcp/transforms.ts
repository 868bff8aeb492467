import type { ClickHouseArgs } from "./stores/clickhouse";
import type { ServerlessEgressArgs } from "./network/egress";
import type { EdgeArgs } from "./edge/edge";
import type { FirewallArgs } from "./network/firewall";
import type { FirewallRule } from "./network/firewall-rules";
import type { NetworkArgs } from "./network/network";
import type { RedisArgs } from "./stores/redis";
import type { RunServicesArgs } from "./run/run-services";
import type { SecretsArgs } from "./secrets/secrets";
import type { SqlArgs } from "./stores/sql";
import type { WatchArgs } from "./watch/watch";

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

import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions } from "@pulumi/pulumi";

/** What the component shows of the server. */
export interface LocalTierArgs {
  readonly host: string;
  /** Undefined in a preview before the first start. */
  readonly port: number | undefined;
}

/**
 * The embedded Postgres server as a component: the parent of nothing, but what compartments depend on. The server itself is no resource,
 * since it lives and dies with the machine, not with the state.
 */
export class LocalTier extends ComponentResource {
  constructor(name: string, { host, port }: LocalTierArgs, options?: ComponentResourceOptions) {
    super("bulkhead:local:Tier", name, {}, options);
    this.registerOutputs({ host, port });
  }
}

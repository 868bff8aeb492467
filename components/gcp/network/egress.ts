import type { SubnetworkArgs } from "@pulumi/gcp/compute/subnetwork";
import { Subnetwork } from "@pulumi/gcp/compute/subnetwork";
import type { cloudrunv2 as inputs } from "@pulumi/gcp/types/input";
import { Connector } from "@pulumi/gcp/vpcaccess/connector";
import type { ConnectorArgs } from "@pulumi/gcp/vpcaccess/connector";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Output } from "@pulumi/pulumi";

import type { Service } from "../../../manager/src/catalog/catalog";
import { childOptions } from "../child-options";
import type { EgressConfig } from "../config/gcp-config";
import { assignConnectors } from "./egress-assignment";
import type { ConnectorId } from "./egress-assignment";
import { serviceTag, usesStore } from "./firewall-rules";
import type { Network } from "./network";
import { subnetworkArgs } from "./network";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

/** A Cloud Run service's (or job's) way into the VPC: what `template.vpcAccess` takes. */
export type VpcAccess = inputs.ServiceTemplateVpcAccess;

export interface ServerlessEgressArgs {
  readonly region: string;
  readonly config: EgressConfig;
  /** Part of the connectors' flows that is logged, 0 to 1. */
  readonly flowLogSampling: number;
  readonly network: Network;
  /** The services that run here, in the catalog's order. */
  readonly services: readonly Service[];
  /** Pulumi's protection of the connectors: without one, its services reach no store. */
  readonly deletionProtection: boolean;
  readonly transform?: { readonly connector?: Transform<ConnectorArgs>; readonly subnetwork?: Transform<SubnetworkArgs> };
}

/**
 * How Cloud Run gets into the VPC. All traffic goes that way, the internet's too: what a service sends anywhere meets the firewall, which denies what it does not
 * name.
 *
 * `direct`: each instance has an address in the services' subnet. There is nothing in between that could fail, and nothing to pay for. Out of addresses, no further instance
 * starts (those that run go on); the size of the subnet is checked beforehand. The subnet can be deleted an hour or two after the last instance.
 *
 * `connector`: two connectors in a /28 each, services spread over them, so that a broken one takes down a half at most; `active` set to the other moves that half
 * over, in a deployment of a minute or two, and it is sized to carry all. Each instance of a connector costs about what a machine of its type does (e2-micro: 6 USD a month), and
 * none is ever given back. Services without a store use direct egress even here: the firewall cannot tell apart what comes out of a connector.
 */
export class ServerlessEgress extends ComponentResource {
  /** The connectors' names, for the alerts; empty with direct egress. */
  readonly connectors: readonly Output<string>[];
  readonly #access: ReadonlyMap<string, VpcAccess>;
  readonly #network: Network;

  constructor(name: string, args: ServerlessEgressArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:ServerlessEgress", name, {}, options);
    const { config, services } = args;
    this.#network = args.network;
    if (config.mode === "direct") {
      this.connectors = [];
      this.#access = new Map(services.map((service) => [service.name, this.direct(serviceTag(service.name))]));
    } else {
      const made = this.makeConnectors(name, args, config, options);
      const assigned = assignConnectors(services.filter(usesStore).map((service) => service.name), config.active);
      this.connectors = [made.a.name, made.b.name];
      this.#access = new Map(services.map((service) => [service.name, accessThrough(made, assigned.get(service.name)) ?? this.direct(serviceTag(service.name))]));
    }
    this.registerOutputs({});
  }

  /** The service's way in, tagged as itself where it is direct. */
  vpcAccess(service: string): VpcAccess {
    const access = this.#access.get(service);
    if (access === undefined) throw new Error(`${service} does not run in this stack, so it has no way into the VPC`);
    return access;
  }

  /** A direct way in, in either mode, for what is no service and runs rarely, such as the setup's job. */
  direct(tag: string): VpcAccess {
    return { egress: "ALL_TRAFFIC", networkInterfaces: [{ network: this.#network.vpc.name, subnetwork: this.#network.services.name, tags: [tag] }] };
  }

  private makeConnectors(name: string, args: ServerlessEgressArgs, config: Extract<EgressConfig, { mode: "connector" }>, options: ComponentResourceOptions | undefined): Record<ConnectorId, Connector> {
    const child = childOptions(this, options, { protect: args.deletionProtection });
    const make = (id: ConnectorId, range: string): Connector => {
      // A subnet of ours: that which Google makes for a range is hidden from NAT, and has no flow logs.
      const subnetwork = new Subnetwork(
        `${name}-${id}`,
        applyTransform(subnetworkArgs(args.network.vpc.id, args.region, range, args.flowLogSampling), args.transform?.subnetwork),
        child,
      );
      const { minInstances, maxInstances, machineType } = config;
      // Sizes in instances, since in throughput they cannot be changed in place, and a connector without either is refused.
      return new Connector(
        `${name}-${id}`,
        applyTransform({ region: args.region, subnet: { name: subnetwork.name }, minInstances, maxInstances, machineType }, args.transform?.connector),
        child,
      );
    };
    return { a: make("a", config.ranges[0]), b: make("b", config.ranges[1]) };
  }
}

function accessThrough(connectors: Record<ConnectorId, Connector>, id: ConnectorId | undefined): VpcAccess | undefined {
  return id === undefined ? undefined : { egress: "ALL_TRAFFIC", connector: connectors[id].id };
}

import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Output, Resource } from "@pulumi/pulumi";

import type { Catalog } from "../../manager/src/catalog/catalog";
import { readBackupCertificate } from "./backup-certificate";
import type { GcpConfig } from "./config/gcp-config";
import { Edge } from "./edge";
import { RunServices } from "./run-services";
import type { GcpTier } from "./tier";
import { transforms } from "./transforms";

/** What runs on the tier. */
export interface WorkloadsArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly config: GcpConfig;
  readonly catalog: Catalog;
  readonly tier: GcpTier;
  /** By service; one that has a compartment runs only once that was set up. */
  readonly compartments: ReadonlyMap<string, Resource>;
}

/** The services that have an image, and the load balancer before them. */
export class Workloads extends ComponentResource {
  /** Cloud Run's own address of each service, which takes calls along the catalog's `calls` only. */
  readonly urls: Readonly<Record<string, Output<string>>>;
  /** The load balancer; null without one. */
  readonly edge: Edge | null;

  constructor(name: string, args: WorkloadsArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Workloads", name, {}, options);
    const run = this.runServices(name, args);
    this.urls = Object.fromEntries(Object.entries(run.services).map(([service, { uri }]) => [service, uri]));
    this.edge = args.config.edge === null ? null : this.makeEdge(args, args.config.edge, run);
    this.registerOutputs({ urls: this.urls });
  }

  private runServices(name: string, { stack, config, catalog, tier, compartments }: WorkloadsArgs): RunServices {
    return new RunServices(
      name,
      {
        stack,
        project: config.project,
        projectNumber: tier.agents.projectNumber,
        region: config.region,
        services: catalog.services,
        config: config.services,
        accounts: tier.accounts,
        secrets: tier.secrets,
        vpcAccess: (service) => tier.egress.vpcAccess(service),
        exposed: new Set(catalog.services.filter(({ path }) => config.edge !== null && path !== null).map((service) => service.name)),
        after: (service) => [compartments.get(service) ?? tier],
        encryptionKey: tier.keys?.id("services") ?? null,
        deletionProtection: config.deletionProtection,
        ...(transforms.services && { transform: transforms.services }),
      },
      { parent: this, dependsOn: [tier.apis] },
    );
  }

  private makeEdge({ stack, config, catalog, tier }: WorkloadsArgs, edge: NonNullable<GcpConfig["edge"]>, run: RunServices): Edge {
    const { backupCertificate, domains } = edge;
    return new Edge(
      "edge",
      {
        stack,
        region: config.region,
        config: edge,
        backup: backupCertificate === null ? null : readBackupCertificate(backupCertificate, domains, Date.now()),
        served: "managed",
        services: catalog.services.flatMap(({ name, path }) => (path === null || run.services[name] === undefined ? [] : [{ name, path, runService: run.services[name].name }])),
        deletionProtection: config.deletionProtection,
        ...(transforms.edge && { transform: transforms.edge }),
      },
      { parent: this, dependsOn: [tier.apis] },
    );
  }
}

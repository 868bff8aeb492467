import type { Service as RunService } from "@pulumi/gcp/cloudrunv2/service";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Output, Resource } from "@pulumi/pulumi";

import type { Catalog } from "../../manager/src/catalog/catalog";
import { readBackupCertificate } from "./edge/backup-certificate";
import type { GcpConfig } from "./config/gcp-config";
import { Edge } from "./edge/edge";
import { RunServices } from "./run/run-services";
import type { StoreSecrets } from "./stores/secrets/store-secrets";
import type { GcpTier } from "./tier";
import { transforms } from "./transforms";
import { Watch } from "./watch/watch";

/** What runs on the tier. */
export interface WorkloadsArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly config: GcpConfig;
  readonly catalog: Catalog;
  readonly tier: GcpTier;
  /** By service; one that has a compartment runs only once that was set up. */
  readonly after: (service: string) => readonly Resource[];
  /** What writes the secrets of Redis and ClickHouse; a service that has one runs only once it was written. Default: nothing does, as where a stack is only written down. */
  readonly stores?: StoreSecrets;
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
    this.watch(args, run);
    this.registerOutputs({ urls: this.urls });
  }

  private runServices(name: string, { stack, config, catalog, tier, after, stores }: WorkloadsArgs): RunServices {
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
        after: (service) => [tier, ...after(service), ...(stores?.after(service) ?? [])],
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
        served: edge.served,
        services: exposed(catalog, run).map(({ name, path, service }) => ({ name, path, runService: service.name })),
        deletionProtection: config.deletionProtection,
        ...(transforms.edge && { transform: transforms.edge }),
      },
      { parent: this, dependsOn: [tier.apis] },
    );
  }

  private watch({ stack, config, catalog, tier }: WorkloadsArgs, run: RunServices): void {
    const { sql, edge, egress, clickhouse } = config;
    new Watch(
      "watch",
      {
        stack,
        config: config.watch,
        logMetrics: tier.logMetrics,
        edge: edge === null ? null : { domains: edge.domains, services: exposed(catalog, run).map(({ name, path, healthPath }) => ({ name, path, healthPath })) },
        targets: {
          project: config.project,
          sql: { instance: tier.sql.instance.name, replicas: tier.sql.replicas.map((replica) => replica.name), regional: sql.availability === "REGIONAL", maxConnections: sql.maxConnections, diskLimitGb: sql.diskLimitGb },
          connectors: egress.mode === "connector" ? { names: tier.egress.connectors, maxInstances: egress.maxInstances, machineType: egress.machineType } : null,
          redis: Object.values(tier.redis?.instances ?? {}).map((instance) => instance.id),
          clickhouse: tier.clickhouse === null || clickhouse === null ? null : { instanceId: tier.clickhouse.instance.instanceId, diskSizeGb: clickhouse.diskSizeGb },
          services: Object.values(run.services).map((service) => service.name),
        },
        ...(transforms.watch && { transform: transforms.watch }),
      },
      { parent: this, dependsOn: [tier.apis, tier.sql] },
    );
  }
}

/** The services that users reach: those with a path at the edge that run here. */
function exposed({ services }: Catalog, run: RunServices): { name: string; path: string; healthPath: string; service: RunService }[] {
  return services.flatMap(({ name, path, healthPath }) => {
    const service = run.services[name];
    return path === null || service === undefined ? [] : [{ name, path, healthPath, service }];
  });
}

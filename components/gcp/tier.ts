import { all, ComponentResource, runtime } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Output, Resource } from "@pulumi/pulumi";

import type { Catalog } from "../../manager/src/catalog/catalog";
import { reported } from "../mendable";
import type { Tier, TierAccess, TierContext } from "../tier";
import { Apis } from "./apis";
import { auditLogs } from "./identity/audit";
import { Bastion } from "./reach/bastion";
import { ClickHouse } from "./stores/clickhouse";
import type { GcpConfig } from "./config/gcp-config";
import { parseGcpConfig } from "./config/parse-gcp-config";
import { ServerlessEgress } from "./network/egress";
import { Firewall } from "./network/firewall";
import { firewallRules, MACHINE_TAGS } from "./network/firewall-rules";
import { keyPurposes, Keys } from "./identity/keys";
import { namesOf } from "./labels";
import { LogMetrics } from "./watch/log-metrics";
import { Nat } from "./network/nat";
import { Network } from "./network/network";
import { PrivateGoogle } from "./network/private-google";
import { PrivateServices } from "./network/private-services";
import { bastionZone, gcpReach, gcpSettings } from "./gcp-reach";
import { googleClients } from "./google/clients";
import { requirePermissions } from "./google/permissions";
import { requireEnabled } from "./google/secret-versions";
import type { Reach } from "./reach/reach";
import { Redis } from "./stores/redis";
import { secretContainers } from "./secrets/secret-containers";
import { Secrets } from "./secrets/secrets";
import { ServiceAccounts } from "./identity/service-accounts";
import { ServiceAgents } from "./identity/service-agents";
import { SetupJob } from "./setup-job/setup-job";
import { Sql } from "./stores/sql";
import { SqlAddress } from "./stores/sql-address";
import { storePermissions, StoreSecrets } from "./stores/secrets/store-secrets";
import { transforms } from "./transforms";
import { Workloads } from "./workloads";

/** What the tier is made from. */
export interface GcpTierArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly config: GcpConfig;
  readonly catalog: Catalog;
  /** The way to the database, once there is one. */
  readonly reach: Reach;
}

/**
 * The tier in Google Cloud, up to the moment at which compartments can be made in it. Everything is private: no part has a public address but
 * the load balancer, which `Workloads` adds.
 */
export class GcpTier extends ComponentResource {
  /** Everything waits for it: without its API, nothing of a kind can be made. */
  readonly apis: Apis;
  /** Made first: Monitoring takes minutes to know them. */
  readonly logMetrics: LogMetrics;
  readonly network: Network;
  readonly egress: ServerlessEgress;
  readonly agents: ServiceAgents;
  readonly keys: Keys | null;
  readonly accounts: ServiceAccounts;
  readonly secrets: Secrets;
  readonly sql: Sql;
  readonly redis: Redis | null;
  readonly clickhouse: ClickHouse | null;
  /** The way in: null where it could not be opened, which has been told; not known in a preview that makes the database. */
  readonly access: Output<TierAccess | null>;

  constructor(name: string, args: GcpTierArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Tier", name, {}, options);
    const { config } = args;
    this.apis = new Apis("apis", { project: config.project, config }, { parent: this });
    const child = { parent: this, dependsOn: [this.apis] };

    this.logMetrics = new LogMetrics("log-metrics", child);
    auditLogs("audit", config.project, child);
    this.agents = new ServiceAgents("agents", { project: config.project, purposes: keyPurposes(config) }, child);
    this.keys = config.encryption.customerManagedKeys ? this.makeKeys(args, child) : null;
    this.network = new Network("network", { region: config.region, config: config.network, deletionProtection: config.deletionProtection, ...bent(transforms.network) }, child);
    this.egress = this.makeNetworkPaths(args, child);
    this.accounts = this.makeAccounts(args, child);
    this.secrets = this.makeSecrets(args, child);
    const { sql, redis } = this.makeStores(args, child);
    this.sql = sql;
    this.redis = redis;
    this.clickhouse = config.clickhouse === null ? null : this.makeClickHouse(args, config.clickhouse, child);
    this.access = this.openAccess(args, this.makeReach(args, child));
    this.registerOutputs({ database: this.sql.instance.connectionName });
  }

  private makeKeys({ stack, config }: GcpTierArgs, child: ComponentResourceOptions): Keys {
    return new Keys("keys", { stack, region: config.region, agents: this.agents, purposes: keyPurposes(config), deletionProtection: config.deletionProtection }, child);
  }

  private makeNetworkPaths({ stack, config, catalog }: GcpTierArgs, child: ComponentResourceOptions): ServerlessEgress {
    const { region, deletionProtection } = config;
    const network = this.network.vpc.id;
    const running = catalog.services.filter(({ name }) => Object.hasOwn(config.services, name));
    new PrivateGoogle("private-google", { stack, network }, child);
    new Nat("nat", { region, network, subnetworks: [this.network.services.id, this.network.machines.id] }, child);
    new Firewall("firewall", { network, rules: [...firewallRules(catalog.services, config), ...(transforms.firewallRules ?? [])], ...bent(transforms.firewall) }, child);
    return new ServerlessEgress(
      "egress",
      { region, config: config.egress, flowLogSampling: config.network.flowLogSampling, network: this.network, services: running, deletionProtection, ...bent(transforms.egress) },
      child,
    );
  }

  private makeAccounts({ stack, config }: GcpTierArgs, child: ComponentResourceOptions): ServiceAccounts {
    const machines = [
      ...(config.clickhouse === null ? [] : ["clickhouse" as const]),
      ...(config.reach.transport === "tunnel" ? ["bastion" as const] : []),
      ...(config.reach.transport === "job" ? ["setup" as const] : []),
    ];
    return new ServiceAccounts("accounts", { stack, services: Object.keys(config.services), machines }, child);
  }

  private makeSecrets({ stack, config, catalog }: GcpTierArgs, child: ComponentResourceOptions): Secrets {
    return new Secrets(
      "secrets",
      {
        stack,
        region: config.region,
        containers: secretContainers(stack, catalog.services),
        accounts: this.accounts,
        agents: this.agents,
        config: config.secrets,
        keys: this.keys === null ? null : { secrets: this.keys.id("secrets"), topics: this.keys.id("topics") },
        deletionProtection: config.deletionProtection,
        ...bent(transforms.secrets),
      },
      child,
    );
  }

  private makeStores({ stack, config, catalog }: GcpTierArgs, child: ComponentResourceOptions): { sql: Sql; redis: Redis | null } {
    const { region, deletionProtection } = config;
    const network = this.network.vpc.id;
    const { connection } = new PrivateServices("private-services", { stack, network, range: config.network.privateServicesRange, deletionProtection }, child);
    const sql = new Sql("sql", { stack, region, network, connection, config: config.sql, encryptionKey: this.keys?.id("sql") ?? null, deletionProtection, ...bent(transforms.sql) }, child);
    new SqlAddress("sql-address", { stack, network, sql }, child);
    const wanting = catalog.services.filter((service) => service.redis).map((service) => service.name);
    const redis =
      config.redis === null
        ? null
        : new Redis(
            "redis",
            { stack, region, services: wanting, network, connection, config: config.redis, maintenance: config.sql.maintenance, encryptionKey: this.keys?.id("redis") ?? null, deletionProtection, ...bent(transforms.redis) },
            child,
          );
    return { sql, redis };
  }

  private makeClickHouse({ stack, config, catalog }: GcpTierArgs, clickhouse: NonNullable<GcpConfig["clickhouse"]>, child: ComponentResourceOptions): ClickHouse {
    return new ClickHouse(
      "clickhouse",
      {
        stack,
        project: config.project,
        region: config.region,
        network: this.network.vpc.id,
        subnetwork: this.network.machines.id,
        tag: MACHINE_TAGS.clickhouse,
        services: catalog.services.filter((service) => service.clickhouse).map((service) => service.name),
        config: clickhouse,
        account: this.accounts.machines.clickhouse!,
        encryptionKey: this.keys?.id("disks") ?? null,
        deletionProtection: config.deletionProtection,
        ...bent(transforms.clickhouse),
      },
      child,
    );
  }

  /** What the transport needs inside the VPC; null for the direct one. */
  private makeReach({ stack, config }: GcpTierArgs, child: ComponentResourceOptions): Resource | null {
    const { project, region, reach } = config;
    switch (reach.transport) {
      case "direct":
        return null;
      case "tunnel":
        return new Bastion(
          namesOf(stack).bastion,
          {
            stack,
            project,
            zone: bastionZone(config),
            subnetwork: this.network.machines.id,
            tag: MACHINE_TAGS.bastion,
            databaseAddress: this.sql.privateAddress,
            members: reach.members,
            account: this.accounts.machines.bastion!.email,
            encryptionKey: this.keys?.id("disks") ?? null,
          },
          child,
        ).instance;
      case "job":
        return new SetupJob(
          "setup",
          { stack, project, region, image: reach.image, account: this.accounts.machines.setup!.email, vpcAccess: this.egress.direct(MACHINE_TAGS.setup), encryptionKey: this.keys?.id("services") ?? null },
          child,
        ).job;
    }
  }

  /**
   * Opened when the database, the admin's secret and what the transport needs are there; they hardly change afterwards, so in the preview of a
   * change to the tier the way in is known. An `up` makes the admin where there is none; a preview changes nothing.
   */
  private openAccess({ stack, reach }: GcpTierArgs, way: Resource | null): Output<TierAccess | null> {
    const ready = all([this.sql.instance.connectionName, this.secrets.readable(namesOf(stack).adminSecret), way?.urn]);
    return ready.apply(() => reported(async () => (await reach.open({ makeAdmin: !runtime.isDryRun() }))?.access ?? null));
  }
}

/** A user's transform as an argument, where there is one. */
function bent<T>(transform: T | undefined): { transform?: T } {
  return transform === undefined ? {} : { transform };
}

/** The part of the target that needs Pulumi. */
export async function createGcpTier(context: TierContext): Promise<Tier> {
  const { stack, progress, signal } = context;
  const catalog = context.catalog();
  const config = parseGcpConfig(context.config, catalog);
  const reach = gcpReach(context, config, progress);
  await reach.preflight(signal);
  // Not closed: hooks use them up to the end of the run, and what they hold keeps no process alive.
  const clients = googleClients(gcpSettings(context.config));
  const permissions = storePermissions(catalog.services);
  if (permissions.length > 0) await requirePermissions(clients, permissions, "write the secrets of Redis and ClickHouse", signal);
  // What holds a login is never written over, so a disabled one would stop the setup half-way; those of the stores are made anew.
  const logins = secretContainers(stack, catalog.services.map(({ name, database }) => ({ name, database, redis: false, clickhouse: false })));
  await Promise.all(logins.map(({ id }) => requireEnabled(clients, id, signal)));
  const tier = new GcpTier("tier", { stack, config, catalog, reach });
  return {
    resource: tier,
    access: tier.access,
    runServices(after) {
      // Not a part of the tier, which compartments wait for: a store that is late holds up the services that use it, and nobody else.
      const stores = new StoreSecrets("store-secrets", { stack, services: catalog.services, secrets: tier.secrets, redis: tier.redis, clients });
      const { urls, edge } = new Workloads("services", { stack, config, catalog, tier, after, stores });
      return { urls, edge: edge === null ? null : { address: edge.address, dnsRecords: edge.dnsRecords } };
    },
  };
}

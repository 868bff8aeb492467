import { Instance } from "@pulumi/gcp/redis/instance";
import type { InstanceArgs } from "@pulumi/gcp/redis/instance";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input, Resource } from "@pulumi/pulumi";

import { childOptions } from "../child-options";
import type { RedisConfig, SqlConfig } from "../config/gcp-config";
import { labelsOf } from "../labels";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

const DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"] as const;

export interface RedisArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly region: string;
  /** Services that ask for Redis; an instance each. */
  readonly services: readonly string[];
  /** Id of the VPC. */
  readonly network: Input<string>;
  /** Private services access of that VPC. */
  readonly connection: Resource;
  readonly config: RedisConfig;
  /** Weekly window, UTC, 1 is Monday: the database's, so that there is one hour a week to watch. */
  readonly maintenance: SqlConfig["maintenance"];
  /** Key of one's own. Null: Google's. Another key is another, empty instance. */
  readonly encryptionKey: Input<string> | null;
  /** The provider's and Pulumi's protection. */
  readonly deletionProtection: boolean;
  readonly transform?: { readonly instance?: Transform<InstanceArgs> };
}

/**
 * Memorystore for Redis, an instance a service. Memorystore knows one AUTH string and no users of its own (no ACL): services on a shared instance
 * could read and flush each other's keys. Two small instances cost what one of twice the size does; a STANDARD_HA one of 1 GB about 50 USD a month.
 *
 * TLS is on (port 6378), with Google's authority for the instance. The AUTH string is an output of the resource and so, encrypted, in Pulumi's state;
 * no version of a secret is written from here. The setup reads it, and the authorities, from the API and writes the service's secret
 * `bulkhead-<stack>-<service>-redis`: `{host, port, ca, username, password, scope, url}`.
 *
 * Failures: a zone gone moves STANDARD_HA to its replica, last writes lost; BASIC comes back empty, or with a snapshot up to 12 hours old. Services must bear
 * an empty cache.
 */
export class Redis extends ComponentResource {
  /** By service. Found by the labels `bulkhead-stack` and `bulkhead-service`. */
  readonly instances: Readonly<Record<string, Instance>>;

  constructor(name: string, args: RedisArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Redis", name, {}, options);
    const child = childOptions(this, options, {
      dependsOn: [args.connection],
      protect: args.deletionProtection,
      customTimeouts: { create: "30m", update: "30m", delete: "30m" },
    });
    this.instances = Object.fromEntries(
      args.services.map((service) => [service, new Instance(`${name}-${service}`, applyTransform(instanceArgs(args, service), args.transform?.instance), child)]),
    );
    this.registerOutputs({});
  }
}

function instanceArgs({ stack, region, network, config, maintenance, encryptionKey, deletionProtection }: RedisArgs, service: string): InstanceArgs {
  return {
    region,
    tier: config.tier,
    memorySizeGb: config.memorySizeGb,
    redisVersion: config.version,
    connectMode: "PRIVATE_SERVICE_ACCESS",
    authorizedNetwork: network,
    authEnabled: true,
    transitEncryptionMode: "SERVER_AUTHENTICATION",
    readReplicasMode: "READ_REPLICAS_DISABLED",
    persistenceConfig: { persistenceMode: "RDB", rdbSnapshotPeriod: "TWELVE_HOURS" },
    maintenancePolicy: { weeklyMaintenanceWindows: [{ day: DAYS[maintenance.day - 1] ?? "SUNDAY", startTime: { hours: maintenance.hour, minutes: 0, seconds: 0, nanos: 0 } }] },
    ...(encryptionKey === null ? {} : { customerManagedKey: encryptionKey }),
    deletionProtection,
    displayName: `${service} (${stack})`,
    labels: labelsOf(stack, service),
  };
}

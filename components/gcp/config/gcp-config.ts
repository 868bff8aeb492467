/** Configuration of a `gcp` stack, whole and checked: what `parseGcpConfig` makes of Pulumi.<stack>.yaml. Every field has a value; a part that is off is null. */
export interface GcpConfig {
  /** Project id, `gcp:project`. */
  readonly project: string;
  /** Region of everything regional, `gcp:region`. */
  readonly region: string;
  readonly network: NetworkConfig;
  readonly egress: EgressConfig;
  readonly sql: SqlConfig;
  readonly redis: RedisConfig | null;
  readonly clickhouse: ClickHouseConfig | null;
  readonly encryption: EncryptionConfig;
  readonly secrets: SecretsConfig;
  readonly edge: EdgeConfig | null;
  readonly watch: WatchConfig;
  readonly reach: ReachConfig;
  /** By service: how many instances of what size, and from which image. Has exactly the catalog's services that have an image. */
  readonly services: Readonly<Record<string, ServiceRunConfig>>;
  /** Refuses to destroy what holds data or serves users. Default true; false for stacks that are thrown away. */
  readonly deletionProtection: boolean;
}

/** Address ranges, all private (RFC 1918) and disjoint. */
export interface NetworkConfig {
  /** Subnet of the Cloud Run instances with direct egress; each takes about four addresses at its peak, hence /26 or larger. Default 10.20.0.0/22. */
  readonly servicesRange: string;
  /** Subnet of the machines: ClickHouse, bastion. Default 10.20.4.0/24. */
  readonly machinesRange: string;
  /** Range that Google's services (Cloud SQL, Memorystore) take addresses from; /24 or larger. Default 10.20.16.0/20. */
  readonly privateServicesRange: string;
  /** Part of the flows that is logged, 0 to 1. Default 0.5: all of them cost twice as much. */
  readonly flowLogSampling: number;
}

/** How Cloud Run reaches private addresses. */
export type EgressConfig =
  | { readonly mode: "direct" }
  | {
      readonly mode: "connector";
      /** Two /28 ranges, one a connector. Default 10.20.8.0/28 and 10.20.8.16/28. */
      readonly ranges: readonly [string, string];
      /** Instances of each connector, 2 to 10. Default 2 and 4. A connector never gives an instance back. */
      readonly minInstances: number;
      readonly maxInstances: number;
      /** Default `e2-micro`: about 100 Mbit/s an instance. */
      readonly machineType: "f1-micro" | "e2-micro" | "e2-standard-4";
      /** Which carry traffic. Default both, services spread over them; one of them while the other is mended. */
      readonly active: "both" | "a" | "b";
    };

export interface SqlConfig {
  /** Default POSTGRES_17, the laptop's major version. */
  readonly version: "POSTGRES_15" | "POSTGRES_16" | "POSTGRES_17" | "POSTGRES_18";
  /** Machine type, e.g. `db-custom-4-15360`: 4 CPUs, 15360 MB. Memory decides how many connections there are. */
  readonly machineType: string;
  readonly edition: "ENTERPRISE" | "ENTERPRISE_PLUS";
  /** Default REGIONAL: a standby in another zone, at twice the price; ZONAL is an outage when the zone is. */
  readonly availability: "REGIONAL" | "ZONAL";
  /** Size to begin with, in GB. Default 20. It grows by itself and never shrinks. */
  readonly diskSizeGb: number;
  /** Growth ends here, so that a runaway service costs a bounded amount. Default 200. */
  readonly diskLimitGb: number;
  readonly backup: {
    /** UTC, `HH:MM`. Default 02:00. */
    readonly startTime: string;
    /** Daily backups that are kept. Default 14. */
    readonly retained: number;
    /** Days that point-in-time recovery reaches back, 1 to 7 (35 in ENTERPRISE_PLUS). Default 7. */
    readonly transactionLogDays: number;
  };
  /** Weekly window, UTC: 1 is Monday. Default Sunday, 03:00. */
  readonly maintenance: { readonly day: number; readonly hour: number };
  /** Read replicas, 0 to 10. Default 0. */
  readonly readReplicas: number;
  /** `max_connections`: what the machine type gives unless it is set. */
  readonly maxConnections: number;
}

export interface RedisConfig {
  /** Default STANDARD_HA: a replica in another zone; BASIC loses everything with its machine. */
  readonly tier: "STANDARD_HA" | "BASIC";
  /** Default 1. */
  readonly memorySizeGb: number;
  /** Default REDIS_7_2. */
  readonly version: string;
}

export interface ClickHouseConfig {
  /** Default n2d-standard-2, which can be a confidential VM. */
  readonly machineType: string;
  /** Zone within the region, e.g. `europe-west1-b`. Default the region's `-b`. One machine: an outage while its zone is out. */
  readonly zone: string;
  /** Data disk. Default 100. */
  readonly diskSizeGb: number;
  /** Container image with tag or digest. */
  readonly image: string;
  /** Days that daily snapshots are kept. Default 14. */
  readonly snapshotRetentionDays: number;
}

export interface EncryptionConfig {
  /** Keys of your own in Cloud KMS for disks, databases and secrets. Default false: Google's keys. A destroyed key is data lost for good. */
  readonly customerManagedKeys: boolean;
}

export interface SecretsConfig {
  /** A notice is published when a secret is older than this. Default 90, and no more. */
  readonly rotationPeriodDays: number;
  /** Days between the order to destroy a version and its destruction. Default 30. */
  readonly versionDestroyDelayDays: number;
}

export interface EdgeConfig {
  /** Host names that the load balancer serves, the first being the main one. */
  readonly domains: readonly [string, ...string[]];
  /** Which certificate users get: the managed one, or the backup while the managed one cannot be renewed. Default managed. */
  readonly served: "managed" | "backup";
  /** Cloud Armor: rate limit and the preconfigured rules against common attacks. Default true. */
  readonly cloudArmor: boolean;
  /** The second, independent certificate: its chain and key as PEM files of the machine that runs `up`; null until there is one, and then there is no fail-over. */
  readonly backupCertificate: { readonly certificateFile: string; readonly privateKeyFile: string } | null;
}

export interface WatchConfig {
  /** Who is told, by e-mail. Empty: alerts are shown in the console only. */
  readonly emails: readonly string[];
}

/** How the setup reaches a private database from where `pulumi up` runs. */
export type ReachConfig =
  /** This machine has a route into the VPC. `probe` (`host:port`) is behind the same route and is tried before anything is created. */
  | { readonly transport: "direct"; readonly probe: string | null }
  /** Through a bastion without public address, by IAP; needs `gcloud`. `members` may open a tunnel: IAM members such as `group:ops@example.com`. Default none but who has that right in the project. */
  | { readonly transport: "tunnel"; readonly members: readonly string[] }
  /** A Cloud Run job inside the VPC does the work. */
  | { readonly transport: "job"; readonly image: string };

export interface ServiceRunConfig {
  /** With a digest, or in a stack without deletion protection at least a tag. */
  readonly image: string;
  /** Default 0: nothing runs, and nothing is paid, while nobody calls; 1 avoids cold starts. */
  readonly minInstances: number;
  /** Default what the connection budget allows: connections / (2 × poolMax), at most 10. */
  readonly maxInstances: number;
  /** Connections of one instance's pool, `DB_MAX_CONNECTIONS`. Default 5; 0 for a service without a database. */
  readonly poolMax: number;
  /** CPUs. Default 1. */
  readonly cpu: number;
  /** Default 512. */
  readonly memoryMb: number;
  /** Requests that an instance serves at once. Default 80. */
  readonly concurrency: number;
}

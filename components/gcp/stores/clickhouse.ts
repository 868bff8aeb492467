import { RepositoryIamMember } from "@pulumi/gcp/artifactregistry/repositoryIamMember";
import { Address } from "@pulumi/gcp/compute/address";
import { Disk } from "@pulumi/gcp/compute/disk";
import type { DiskArgs } from "@pulumi/gcp/compute/disk";
import { DiskResourcePolicyAttachment } from "@pulumi/gcp/compute/diskResourcePolicyAttachment";
import { Instance } from "@pulumi/gcp/compute/instance";
import type { InstanceArgs } from "@pulumi/gcp/compute/instance";
import { ResourcePolicy } from "@pulumi/gcp/compute/resourcePolicy";
import { IAMMember } from "@pulumi/gcp/projects/iammember";
import type { Account } from "@pulumi/gcp/serviceaccount/account";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input, Output, Resource } from "@pulumi/pulumi";

import { CLOUD_LIMITS } from "../../../manager/src/clickhouse/limits";
import { clickHouseUser } from "../../../manager/src/clickhouse/names";
import { renderServerOverlay } from "../../../manager/src/clickhouse/server-config";
import { PRIVATE_NETWORKS, renderUsers } from "../../../manager/src/clickhouse/users";
import { childOptions } from "../child-options";
import { renderCloudInit } from "./clickhouse/cloud-init";
import { renderDatabases, renderHashSources, TLS_FILE } from "./clickhouse/machine-files";
import type { ClickHouseConfig } from "../config/gcp-config";
import { imageRepository } from "../run/image-repository";
import { labelsOf } from "../labels";
import { PrivateName } from "../network/private-name";
import { storeSecretNames } from "../secrets/secret-containers";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

export interface ClickHouseArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly project: string;
  readonly region: string;
  /** Id of the VPC, which resolves the machine's name. */
  readonly network: Input<string>;
  /** Id of the machines' subnet. */
  readonly subnetwork: Input<string>;
  /** Network tag that the firewall's rules name. */
  readonly tag: string;
  /** Services that ask for ClickHouse: a user, a database and a quota each. */
  readonly services: readonly string[];
  readonly config: ClickHouseConfig;
  /** The `clickhouse` account: it reads the hashes of passwords and the server's key, and writes logs and metrics. For an image in Artifact Registry it needs `roles/artifactregistry.reader` there. */
  readonly account: Account;
  /** Key of one's own for both disks. Null: Google's. Another key is another disk: bring the data over by a snapshot. */
  readonly encryptionKey: Input<string> | null;
  /** Refuses to destroy the machine and its data disk. */
  readonly deletionProtection: boolean;
  readonly transform?: { readonly instance?: Transform<InstanceArgs>; readonly disk?: Transform<DiskArgs> };
}

/** What the machine may do with the project beside its secrets: tell about itself. */
const MACHINE_ROLES = ["roles/logging.logWriter", "roles/monitoring.metricWriter"] as const;

/**
 * ClickHouse in a container on one machine without a public address, on Container-Optimized OS: nothing to install, a read-only root.
 * TLS only; no administrator and no user `default`.
 *
 * The setup writes, before services start: the server's key and certificate (for `host`) to `bulkhead-<stack>-clickhouse-tls`, and per service a password to its
 * `…-clickhouse` secret and the SHA-256 of that to `…-clickhouse-hash`. The machine waits for them, and looks for news every five minutes.
 *
 * Failures: one machine in one zone; while it or the zone is out, so is ClickHouse. A machine that is lost is made anew on the same disk; a disk that is lost
 * comes back from the last daily snapshot, up to a day old.
 */
export class ClickHouse extends ComponentResource {
  readonly instance: Instance;
  readonly disk: Disk;
  /** Name that the certificate has to carry; resolves in the VPC. */
  readonly host: string;
  /** IPv4 address within the VPC, the same for every machine of the stack. */
  readonly privateAddress: Output<string>;

  constructor(name: string, args: ClickHouseArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:ClickHouse", name, {}, options);
    const child = childOptions(this, options);
    const keep = childOptions(this, options, { protect: args.deletionProtection });
    const labels = labelsOf(args.stack);

    const address = new Address(name, { region: args.region, subnetwork: args.subnetwork, addressType: "INTERNAL", purpose: "GCE_ENDPOINT", labels }, child);
    this.disk = new Disk(`${name}-data`, applyTransform(diskArgs(args), args.transform?.disk), keep);
    const snapshots = new ResourcePolicy(`${name}-snapshots`, { region: args.region, description: "Daily snapshots of ClickHouse's data.", snapshotSchedulePolicy: snapshotSchedule(args) }, child);
    new DiskResourcePolicyAttachment(`${name}-snapshots`, { name: snapshots.name, disk: this.disk.name, zone: args.config.zone }, child);
    const rights: Resource[] = MACHINE_ROLES.map((role) => new IAMMember(`${name}-${role.split(".").at(-1)}`, { project: args.project, role, member: args.account.member }, child));

    const repository = imageRepository(args.config.image);
    if (repository !== undefined) rights.push(new RepositoryIamMember(`${name}-image`, { ...repository, role: "roles/artifactregistry.reader", member: args.account.member }, child));

    this.instance = new Instance(
      name,
      applyTransform(instanceArgs(args, this.disk.id, address.address), args.transform?.instance),
      // Two machines can have neither the disk nor the address at once.
      childOptions(this, options, { protect: args.deletionProtection, deleteBeforeReplace: true, dependsOn: rights }),
    );
    this.host = clickHouseHost(args.stack);
    this.privateAddress = address.address;
    new PrivateName(name, { stack: args.stack, network: args.network, host: this.host, address: address.address }, child);
    this.registerOutputs({ host: this.host, privateAddress: this.privateAddress });
  }
}

/** `clickhouse.prod.bulkhead.internal`: `.internal` is reserved for names that are nobody's on the internet. */
export function clickHouseHost(stack: string): string {
  return `clickhouse.${stack.toLowerCase().replace(/[^a-z0-9-]/g, "-")}.bulkhead.internal`;
}

/** Families whose memory AMD's SEV encrypts. On others the machine is an ordinary one, shielded all the same. */
function isConfidential(machineType: string): boolean {
  return /^(n2d|c2d|c3d)-/.test(machineType);
}

function diskArgs({ stack, config, encryptionKey, deletionProtection }: ClickHouseArgs): DiskArgs {
  return {
    zone: config.zone,
    type: "pd-ssd",
    size: config.diskSizeGb,
    labels: labelsOf(stack),
    createSnapshotBeforeDestroy: deletionProtection,
    ...(encryptionKey === null ? {} : { diskEncryptionKey: { kmsKeySelfLink: encryptionKey } }),
  };
}

function snapshotSchedule({ stack, config }: ClickHouseArgs) {
  return {
    schedule: { dailySchedule: { daysInCycle: 1, startTime: "03:00" } },
    retentionPolicy: { maxRetentionDays: config.snapshotRetentionDays, onSourceDiskDelete: "KEEP_AUTO_SNAPSHOTS" },
    snapshotProperties: { labels: labelsOf(stack), guestFlush: false },
  };
}

function instanceArgs(args: ClickHouseArgs, disk: Output<string>, address: Output<string>): InstanceArgs {
  const { stack, subnetwork, tag, config, account, encryptionKey, deletionProtection } = args;
  const key = encryptionKey === null ? {} : { kmsKeySelfLink: encryptionKey };
  const confidential = isConfidential(config.machineType);
  return {
    zone: config.zone,
    machineType: config.machineType,
    allowStoppingForUpdate: true,
    canIpForward: false,
    deletionProtection,
    tags: [tag],
    labels: labelsOf(stack),
    bootDisk: { autoDelete: true, initializeParams: { image: "cos-cloud/cos-stable", size: 20, type: "pd-balanced", labels: labelsOf(stack) }, ...key },
    attachedDisks: [{ source: disk, deviceName: "clickhouse-data", mode: "READ_WRITE", ...key }],
    // No accessConfigs: no public address.
    networkInterfaces: [{ subnetwork, networkIp: address }],
    // The scope is the widest, the account's rights are what bounds it.
    serviceAccount: { email: account.email, scopes: ["https://www.googleapis.com/auth/cloud-platform"] },
    shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
    ...(confidential ? { confidentialInstanceConfig: { enableConfidentialCompute: true, confidentialInstanceType: "SEV" } } : {}),
    // A confidential machine cannot move while it runs: for maintenance of its host it is stopped and started again.
    scheduling: { onHostMaintenance: confidential ? "TERMINATE" : "MIGRATE", automaticRestart: true },
    metadata: metadata(args),
  };
}

function metadata({ stack, services, config }: ClickHouseArgs): Record<string, string> {
  const secrets = storeSecretNames(stack);
  const users = services.map((service) => ({ service, ...clickHouseUser(service) }));
  const serviceOf = new Map(users.map(({ name, service }) => [name, service]));
  return {
    "enable-oslogin": "TRUE",
    "block-project-ssh-keys": "true",
    "serial-port-enable": "false",
    "google-logging-enabled": "true",
    "google-monitoring-enabled": "true",
    "user-data": renderCloudInit(),
    "clickhouse-image": config.image,
    "clickhouse-server-config": renderServerOverlay({ certificate: TLS_FILE, key: TLS_FILE }),
    // Each password's hash is a file of its own, which the machine reads from Secret Manager.
    "clickhouse-users": renderUsers(users, { dialect: "grants", networks: PRIVATE_NETWORKS, limits: CLOUD_LIMITS }),
    "clickhouse-databases": renderDatabases(users),
    "clickhouse-tls-secret": secrets.clickhouseTls,
    "clickhouse-hashes": renderHashSources(users, ({ name }) => secrets.clickhouseHash(serviceOf.get(name) ?? name)),
  };
}

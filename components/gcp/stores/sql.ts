import { DatabaseInstance } from "@pulumi/gcp/sql/databaseInstance";
import type { DatabaseInstanceArgs } from "@pulumi/gcp/sql/databaseInstance";
import type { sql as inputs } from "@pulumi/gcp/types/input";
import { all, ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input, Output, Resource } from "@pulumi/pulumi";

import { BulkheadError } from "../../../manager/src/errors";
import { childOptions } from "../child-options";
import type { SqlConfig } from "../config/gcp-config";
import { labelsOf } from "../labels";
import { sqlFlags } from "./sql-flags";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

/**
 * Usual are 10 to 25 minutes; Google's own provider allows 40. An update may restart the standby, then the primary. Longer than that is a fault, of
 * which one hears rather than waits.
 */
const TIMEOUTS = { create: "60m", update: "60m", delete: "30m" } as const;

export interface SqlArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly region: string;
  /** Id of the VPC. */
  readonly network: Input<string>;
  /** Private services access of that VPC. The network alone is not enough: without its connection there is no address to give. */
  readonly connection: Resource;
  readonly config: SqlConfig;
  /** Key of one's own. Null: Google's. Another key is another instance, empty: restore a backup into it. */
  readonly encryptionKey: Input<string> | null;
  /** Both of Cloud SQL's protections (the provider's and the API's) and Pulumi's own. */
  readonly deletionProtection: boolean;
  readonly transform?: { readonly instance?: Transform<DatabaseInstanceArgs>; readonly replica?: Transform<DatabaseInstanceArgs> };
}

/**
 * The tier's Postgres: a Cloud SQL instance with a private address only, and its read replicas. No database and no user is made here: those that the
 * API makes become members of `cloudsqlsuperuser`, and compartments are made in SQL.
 *
 * Failures: a zone gone moves a REGIONAL instance to its standby under the same address within about a minute, with all sessions cut; a ZONAL one is
 * gone until its zone is back. A replica is one zone and has no backup: lost, it is made anew; far behind, it answers with old rows.
 */
export class Sql extends ComponentResource {
  /** Autonamed: a name is blocked for a week after its instance is gone. Found by its label `bulkhead-stack`. */
  readonly instance: DatabaseInstance;
  readonly replicas: readonly DatabaseInstance[];
  /** The name in the server's certificate, without a dot at its end: what clients verify. Resolved by `SqlAddress`. */
  readonly dnsName: Output<string>;
  /** IPv4 address within the VPC. */
  readonly privateAddress: Output<string>;

  constructor(name: string, args: SqlArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Sql", name, {}, options);
    const child = childOptions(this, options, {
      dependsOn: [args.connection],
      protect: args.deletionProtection,
      // It grows by itself; the size in the program is the first one only.
      ignoreChanges: ["settings.diskSize"],
      customTimeouts: TIMEOUTS,
    });
    this.instance = new DatabaseInstance(name, applyTransform(instanceArgs(args), args.transform?.instance), child);
    this.replicas = Array.from(
      { length: args.config.readReplicas },
      (_, index) => new DatabaseInstance(`${name}-replica-${index}`, applyTransform(replicaArgs(args, this.instance.name), args.transform?.replica), child),
    );
    this.dnsName = dnsNameOf(this.instance);
    this.privateAddress = this.instance.privateIpAddress;
    this.registerOutputs({ dnsName: this.dnsName, privateAddress: this.privateAddress });
  }
}

/**
 * The name that an instance's certificate carries for connections over private services access, without the dot that ends it.
 *
 * An instance has a list of names, one a way to connect; `dnsName` alone is the one of Private Service Connect where that is on. Google publishes no
 * record for the private way, so we do.
 *
 * @throws BulkheadError `SQL_NO_DNS_NAME`: an instance made without `serverCaMode` GOOGLE_MANAGED_CAS_CA has none, and no client could verify it
 */
export function dnsNameOf(instance: DatabaseInstance): Output<string> {
  return all([instance.name, instance.dnsNames, instance.dnsName]).apply(([name, dnsNames, dnsName]) => {
    const found = dnsNames?.find(({ connectionType, dnsScope }) => connectionType === "PRIVATE_SERVICES_ACCESS" && dnsScope === "INSTANCE")?.name ?? dnsName;
    if (found !== undefined && found !== "") return found.replace(/\.$/, "");
    throw new BulkheadError("SQL_NO_DNS_NAME", `the Cloud SQL instance ${name} has no DNS name in its certificate, so that no client can verify it`, {
      hint: `gcloud sql instances describe ${name} --format='value(dnsNames,settings.ipConfiguration.serverCaMode)'`,
    });
  });
}

function instanceArgs(args: SqlArgs): DatabaseInstanceArgs {
  const { region, config, encryptionKey, deletionProtection } = args;
  return {
    region,
    databaseVersion: config.version,
    deletionProtection,
    ...(encryptionKey === null ? {} : { encryptionKeyName: encryptionKey }),
    settings: {
      ...sharedSettings(args),
      availabilityType: config.availability,
      backupConfiguration: {
        enabled: true,
        startTime: config.backup.startTime,
        pointInTimeRecoveryEnabled: true,
        transactionLogRetentionDays: config.backup.transactionLogDays,
        backupRetentionSettings: { retentionUnit: "COUNT", retainedBackups: config.backup.retained },
      },
      // For the accident that both protections did not stop: a last backup, and the others, outlive the instance.
      ...(deletionProtection ? { finalBackupConfig: { enabled: true, retentionDays: 30 } } : {}),
      retainBackupsOnDelete: deletionProtection,
      maintenanceWindow: { day: config.maintenance.day, hour: config.maintenance.hour, updateTrack: "stable" },
      // For people who set a password by hand. The setup hands over verifiers of generated passwords, into which the server cannot look.
      passwordValidationPolicy: { enablePasswordPolicy: true, minLength: 16, complexity: "COMPLEXITY_DEFAULT", disallowUsernameSubstring: true, reuseInterval: 5 },
    },
  };
}

/** A replica has neither backups nor a standby nor a maintenance window of its own, and the primary's key. */
function replicaArgs(args: SqlArgs, primary: Output<string>): DatabaseInstanceArgs {
  const { region, config, deletionProtection } = args;
  return {
    region,
    databaseVersion: config.version,
    masterInstanceName: primary,
    deletionProtection,
    settings: { ...sharedSettings(args), availabilityType: "ZONAL" },
  };
}

function sharedSettings({ stack, network, config, deletionProtection }: SqlArgs): inputs.DatabaseInstanceSettings {
  return {
    tier: config.machineType,
    edition: config.edition,
    activationPolicy: "ALWAYS",
    pricingPlan: "PER_USE",
    diskType: "PD_SSD",
    diskSize: config.diskSizeGb,
    diskAutoresize: true,
    diskAutoresizeLimit: config.diskLimitGb,
    deletionProtectionEnabled: deletionProtection,
    // Services connect with Postgres' own protocol and verify the server's name; REQUIRED would admit Google's connectors only.
    connectorEnforcement: "NOT_REQUIRED",
    // The other way to run SQL: over Google's public API, past the VPC.
    dataApiAccess: "DISALLOW_DATA_API",
    enableGoogleMlIntegration: false,
    enableDataplexIntegration: false,
    databaseFlags: sqlFlags(config),
    ipConfiguration: {
      ipv4Enabled: false,
      privateNetwork: network,
      // BigQuery and others stay outside as well.
      enablePrivatePathForGoogleCloudServices: false,
      // TRUSTED_CLIENT_CERTIFICATE_REQUIRED would take a client certificate a login, of which an instance has 10 (CKV_GCP_6 is not met; CIS 6.4 is).
      sslMode: "ENCRYPTED_ONLY",
      // A certificate with a DNS name in it: with the instance's own authority (GOOGLE_MANAGED_INTERNAL_CA) there is none, and verify-full cannot work.
      serverCaMode: "GOOGLE_MANAGED_CAS_CA",
      serverCertificateRotationMode: "AUTOMATIC_ROTATION_DURING_MAINTENANCE",
    },
    insightsConfig: { queryInsightsEnabled: true, queryStringLength: 1024, queryPlansPerMinute: 5, recordApplicationTags: true, recordClientAddress: true },
    userLabels: labelsOf(stack),
  };
}

import { Sql } from "../../../components/gcp/stores/sql";
import type { SqlArgs } from "../../../components/gcp/stores/sql";
import { SqlAddress } from "../../../components/gcp/stores/sql-address";
import { sqlFlags } from "../../../components/gcp/stores/sql-flags";
import { recordResources } from "../../support/pulumi-mocks";
import { Before, inputsOf, NETWORK, ofType, record, SQL } from "./data-fixtures";

const INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance";

function args(more: Partial<SqlArgs> = {}): SqlArgs {
  return { stack: "prod", region: "europe-west1", network: NETWORK, connection: new Before(), config: SQL, encryptionKey: null, deletionProtection: true, ...more };
}

interface Settings {
  readonly ipConfiguration: Record<string, unknown>;
  readonly databaseFlags: readonly { readonly name: string; readonly value: string }[];
  readonly [name: string]: unknown;
}

test("the instance has a private address only, takes TLS only, and has a certificate with a name in it", async () => {
  const { settings } = inputsOf(await record(() => new Sql("sql", args())), INSTANCE) as unknown as { settings: Settings };
  expect(settings.ipConfiguration).toEqual({
    ipv4Enabled: false,
    privateNetwork: NETWORK,
    enablePrivatePathForGoogleCloudServices: false,
    sslMode: "ENCRYPTED_ONLY",
    serverCaMode: "GOOGLE_MANAGED_CAS_CA",
    serverCertificateRotationMode: "AUTOMATIC_ROTATION_DURING_MAINTENANCE",
  });
  expect(settings).toMatchObject({ connectorEnforcement: "NOT_REQUIRED", dataApiAccess: "DISALLOW_DATA_API" });
});

test("the instance is protected twice, backed up to a point in time, and bounded in size", async () => {
  const instance = inputsOf(await record(() => new Sql("sql", args())), INSTANCE);
  expect(instance).toMatchObject({
    region: "europe-west1",
    databaseVersion: "POSTGRES_17",
    deletionProtection: true,
    settings: {
      tier: "db-custom-4-15360",
      edition: "ENTERPRISE",
      availabilityType: "REGIONAL",
      deletionProtectionEnabled: true,
      diskSize: 20,
      diskAutoresize: true,
      diskAutoresizeLimit: 200,
      backupConfiguration: { enabled: true, startTime: "02:00", pointInTimeRecoveryEnabled: true, transactionLogRetentionDays: 7, backupRetentionSettings: { retentionUnit: "COUNT", retainedBackups: 14 } },
      finalBackupConfig: { enabled: true, retentionDays: 30 },
      retainBackupsOnDelete: true,
      maintenanceWindow: { day: 7, hour: 3 },
      insightsConfig: { queryInsightsEnabled: true },
      passwordValidationPolicy: { enablePasswordPolicy: true, minLength: 16, complexity: "COMPLEXITY_DEFAULT", disallowUsernameSubstring: true },
      userLabels: { "bulkhead-stack": "prod" },
    },
  });
});

test("no name is given, since a name is blocked for a week, and no root password, database or user is made", async () => {
  const resources = await record(() => new Sql("sql", args()));
  expect(Object.keys(inputsOf(resources, INSTANCE))).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(name|rootPassword.*)$/)]));
  expect(resources.filter(({ type }) => type.startsWith("gcp:sql/")).map(({ type }) => type)).toEqual([INSTANCE]);
});

test("a stack that may be thrown away has neither protection, and leaves no backup", async () => {
  const instance = inputsOf(await record(() => new Sql("sql", args({ deletionProtection: false }))), INSTANCE);
  expect(instance).toMatchObject({ deletionProtection: false, settings: { deletionProtectionEnabled: false, retainBackupsOnDelete: false } });
  expect(instance["settings"]).not.toHaveProperty("finalBackupConfig");
});

test("a key of one's own encrypts the instance, and only if there is one", async () => {
  expect(inputsOf(await record(() => new Sql("sql", args({ encryptionKey: "projects/p/key" }))), INSTANCE)).toMatchObject({ encryptionKeyName: "projects/p/key" });
  expect(inputsOf(await record(() => new Sql("sql", args())), INSTANCE)).not.toHaveProperty("encryptionKeyName");
});

test("every flag of the acceptance table has its value, and each flag is there once", () => {
  const flags = sqlFlags({ maxConnections: 400 });
  expect(Object.fromEntries(flags.map(({ name, value }) => [name, value]))).toMatchObject({
    "cloudsql.iam_authentication": "on",
    "cloudsql.enable_pgaudit": "on",
    log_error_verbosity: "default",
    log_connections: "on",
    log_disconnections: "on",
    log_statement: "ddl",
    log_min_messages: "warning",
    log_min_error_statement: "error",
    log_min_duration_statement: "-1",
    log_checkpoints: "on",
    log_lock_waits: "on",
    log_temp_files: "0",
    log_executor_stats: "off",
    log_parser_stats: "off",
    log_planner_stats: "off",
    log_statement_stats: "off",
    max_connections: "400",
  });
  expect(new Set(flags.map(({ name }) => name)).size).toBe(flags.length);
});

test("replicas have the primary's flags and network, and neither backups nor a standby", async () => {
  const resources = await record(() => new Sql("sql", args({ config: { ...SQL, readReplicas: 2 } })));
  const primary = inputsOf(resources, INSTANCE, "sql")["settings"] as Settings;
  expect(ofType(resources, INSTANCE).map(({ name }) => name)).toEqual(["sql", "sql-replica-0", "sql-replica-1"]);
  const replica = inputsOf(resources, INSTANCE, "sql-replica-1");
  expect(replica).toMatchObject({ masterInstanceName: "sql-1a2b3c4", deletionProtection: true, settings: { availabilityType: "ZONAL", databaseFlags: primary.databaseFlags, ipConfiguration: primary.ipConfiguration } });
  expect(replica["settings"]).not.toHaveProperty("backupConfiguration");
});

test("a transform bends the instance and leaves the replicas alone", async () => {
  const resources = await record(() => new Sql("sql", args({ config: { ...SQL, readReplicas: 1 }, transform: { instance: (given) => ({ ...given, maintenanceVersion: "POSTGRES_17_6.R1" }) } })));
  expect(inputsOf(resources, INSTANCE, "sql")).toMatchObject({ maintenanceVersion: "POSTGRES_17_6.R1", deletionProtection: true });
  expect(inputsOf(resources, INSTANCE, "sql-replica-0")).not.toHaveProperty("maintenanceVersion");
});

test("each instance's name resolves within the VPC, by a zone that is no wider than the name", async () => {
  const resources = await record(() => new SqlAddress("sql-address", { stack: "prod", network: NETWORK, sql: new Sql("sql", args({ config: { ...SQL, readReplicas: 1 } })) }));
  expect(inputsOf(resources, "gcp:dns/managedZone:ManagedZone", "sql-address")).toMatchObject({
    dnsName: "sql.abc.europe-west1.sql.goog.",
    visibility: "private",
    privateVisibilityConfig: { networks: [{ networkUrl: NETWORK }] },
  });
  expect(inputsOf(resources, "gcp:dns/recordSet:RecordSet", "sql-address")).toMatchObject({ name: "sql.abc.europe-west1.sql.goog.", type: "A", rrdatas: ["10.20.16.5"] });
  expect(inputsOf(resources, "gcp:dns/recordSet:RecordSet", "sql-address-replica-0")).toMatchObject({ name: "sql-replica-0.abc.europe-west1.sql.goog." });
});

/** The name of an instance for which Google answers with these names. */
async function dnsNameWith(answer: { readonly dnsName: string; readonly dnsNames: readonly object[] }): Promise<string> {
  let name = Promise.resolve("");
  await recordResources(
    () => {
      const sql = new Sql("sql", args());
      name = new Promise((resolve) => sql.dnsName.apply(resolve));
    },
    () => ({ name: "sql-1a2b3c4", ...answer }),
  );
  return name;
}

test("the name for private services access is taken, not that of Private Service Connect or a write endpoint", async () => {
  const other = { name: "psc.europe-west1.sql-psc.goog.", connectionType: "PRIVATE_SERVICE_CONNECT", dnsScope: "INSTANCE" };
  const cluster = { name: "write.global.sql.goog.", connectionType: "PRIVATE_SERVICES_ACCESS", dnsScope: "CLUSTER" };
  const own = { name: "own.europe-west1.sql.goog.", connectionType: "PRIVATE_SERVICES_ACCESS", dnsScope: "INSTANCE" };
  await expect(dnsNameWith({ dnsName: other.name, dnsNames: [other, cluster, own] })).resolves.toBe("own.europe-west1.sql.goog");
  await expect(dnsNameWith({ dnsName: "old.europe-west1.sql.goog.", dnsNames: [] })).resolves.toBe("old.europe-west1.sql.goog");
});

import type { PackageFacts } from "../../resource-facts";
import { iamMember } from "./forms";

const SQL_INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance";
const CRYPTO_KEY = "gcp:kms/cryptoKey:CryptoKey";
const KEY_RING = "gcp:kms/keyRing:KeyRing";
const SECRET = "gcp:secretmanager/secret:Secret";
const TOPIC = "gcp:pubsub/topic:Topic";
const BUCKET = "gcp:storage/bucket:Bucket";
const NETWORK = "gcp:compute/network:Network";
const ENFORCEMENTS = ["NotRestricted", "FullyRestricted"];

/** Databases, caches, secrets, keys, buckets. */
export const dataFacts: PackageFacts = {
  [SQL_INSTANCE]: {
    id: "projects/{project}/instances/{name}",
    autonameMax: 98,
    immutable: "encryptionKeyName name project region settings.collation replicaConfiguration",
    mutable: "replicaConfiguration.cascadableReplica",
    enums: {
      "settings.activeDirectoryConfig.mode": ["MANAGED_ACTIVE_DIRECTORY", "CUSTOMER_MANAGED_ACTIVE_DIRECTORY"],
      "settings.availabilityType": ["REGIONAL", "ZONAL"],
      "settings.connectorEnforcement": ["NOT_REQUIRED", "REQUIRED"],
      "settings.dataApiAccess": ["DISALLOW_DATA_API", "ALLOW_DATA_API"],
      "settings.edition": ["ENTERPRISE", "ENTERPRISE_PLUS"],
      "settings.ipConfiguration.serverCaMode": ["CA_MODE_UNSPECIFIED", "GOOGLE_MANAGED_INTERNAL_CA", "GOOGLE_MANAGED_CAS_CA", "CUSTOMER_MANAGED_CAS_CA"],
      "settings.ipConfiguration.serverCertificateRotationMode": ["NO_AUTOMATIC_ROTATION", "AUTOMATIC_ROTATION_DURING_MAINTENANCE"],
      "settings.ipConfiguration.sslMode": ["ALLOW_UNENCRYPTED_AND_ENCRYPTED", "ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"],
      "settings.passwordValidationPolicy.complexity": ["COMPLEXITY_DEFAULT", "COMPLEXITY_UNSPECIFIED"],
      "settings.performanceCaptureConfig.transactionKillType": ["TRANSACTION_KILL_TYPE_UNSPECIFIED", "READ_ONLY_TRANSACTIONS", "ALL_TRANSACTIONS"],
    },
    conflicts: ["rootPassword rootPasswordWo"],
    together: ["rootPasswordWo rootPasswordWoVersion"],
    ranges: {
      "settings.finalBackupConfig.retentionDays": [1, 36135],
      "settings.insightsConfig.queryPlansPerMinute": [0, 200],
      "settings.insightsConfig.queryStringLength": [1, 1048576],
      "settings.maintenanceWindow.day": [1, 7],
      "settings.maintenanceWindow.hour": [0, 23],
      "settings.passwordValidationPolicy.minLength": [0, 2147483647],
      "settings.passwordValidationPolicy.reuseInterval": [0, 2147483647],
      "settings.readPoolAutoScaleConfig.maxNodeCount": [1, 20],
      "settings.readPoolAutoScaleConfig.minNodeCount": [1, 20],
    },
    patterns: { name: /^[a-z][-a-z0-9]*$/ },
    fractions: "settings.readPoolAutoScaleConfig.targetMetrics[].targetValue",
    defaults: {
      deletionProtection: true,
      "settings.activationPolicy": "ALWAYS",
      "settings.availabilityType": "ZONAL",
      "settings.backupConfiguration.backupRetentionSettings.retentionUnit": "COUNT",
      "settings.diskAutoresize": true,
      "settings.diskAutoresizeLimit": 0,
      "settings.ipConfiguration.ipv4Enabled": true,
      "settings.pricingPlan": "PER_USE",
    },
    secrets: "replicaConfiguration rootPassword serverCaCerts",
    references: { encryptionKeyName: CRYPTO_KEY, masterInstanceName: SQL_INSTANCE, "settings.ipConfiguration.privateNetwork": NETWORK },
  },
  "gcp:sql/database:Database": { id: "projects/{project}/instances/{instance}/databases/{name}", autonameMax: 63, immutable: "instance name project", references: { instance: SQL_INSTANCE } },
  "gcp:sql/user:User": {
    id: "{name}//{instance}",
    autonameMax: 63,
    immutable: "host instance name project type",
    conflicts: ["password passwordWo"],
    together: ["passwordWo passwordWoVersion"],
    secrets: "password",
    references: { instance: SQL_INSTANCE },
  },
  "gcp:sql/sslCert:SslCert": {
    id: "projects/{project}/instances/{instance}/sslCerts/{commonName}",
    immutable: "commonName instance project",
    secrets: "cert privateKey serverCaCert",
    references: { instance: SQL_INSTANCE },
  },
  "gcp:redis/instance:Instance": {
    id: "projects/{project}/locations/{region}/instances/{name}",
    autonameMax: 40,
    immutable: "alternativeLocationId authorizedNetwork connectMode customerManagedKey locationId name project region reservedIpRange tier transitEncryptionMode",
    ranges: {
      memorySizeGb: [1, 300],
      "maintenancePolicy.weeklyMaintenanceWindows[].startTime.hours": [0, 23],
      "maintenancePolicy.weeklyMaintenanceWindows[].startTime.minutes": [0, 59],
      "maintenancePolicy.weeklyMaintenanceWindows[].startTime.seconds": [0, 60],
    },
    patterns: { name: /^[a-z][a-z0-9-]{0,39}[a-z0-9]$/ },
    defaults: { authEnabled: false, connectMode: "DIRECT_PEERING", tier: "BASIC", transitEncryptionMode: "DISABLED" },
    secrets: "authString",
    references: { authorizedNetwork: NETWORK, customerManagedKey: CRYPTO_KEY },
  },
  [SECRET]: {
    id: "projects/{project}/secrets/{secretId}",
    immutable: "project replication secretId tags",
    mutable: "replication.auto.customerManagedEncryption replication.userManaged.replicas.customerManagedEncryption",
    exactlyOne: ["replication.auto replication.userManaged"],
    items: { "replication.userManaged.replicas": [1, 100] },
    lengths: { secretId: [1, 255] },
    patterns: { secretId: /^[A-Za-z0-9_-]+$/ },
    defaults: { deletionProtection: false },
    references: { "topics[].name": TOPIC, "replication.auto.customerManagedEncryption.kmsKeyName": CRYPTO_KEY, "replication.userManaged.replicas[].customerManagedEncryption.kmsKeyName": CRYPTO_KEY },
  },
  "gcp:secretmanager/secretVersion:SecretVersion": {
    id: "{secret}/versions/{generated}",
    immutable: "isSecretDataBase64 project secret secretData secretDataWoVersion",
    exactlyOne: ["secretData secretDataWo"],
    together: ["secretDataWo secretDataWoVersion"],
    defaults: { enabled: true },
    fractions: "secretDataWoVersion",
    secrets: "secretData",
    references: { secret: SECRET },
  },
  "gcp:secretmanager/secretIamMember:SecretIamMember": iamMember("projects/{project}/secrets/{secretId:last}", "project secretId", { secretId: SECRET }),
  [KEY_RING]: { id: "projects/{project}/locations/{location}/keyRings/{name}", autonameMax: 63, immutable: "location name project" },
  [CRYPTO_KEY]: {
    id: "{keyRing}/cryptoKeys/{name}",
    autonameMax: 63,
    immutable: "cryptoKeyBackend destroyScheduledDuration importOnly keyRing name purpose versionTemplate.protectionLevel",
    patterns: { rotationPeriod: /^\d+(\.\d{1,9})?s$/ },
    defaults: { purpose: "ENCRYPT_DECRYPT", "versionTemplate.protectionLevel": "SOFTWARE" },
    references: { keyRing: KEY_RING },
  },
  "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": iamMember("{cryptoKeyId}", "cryptoKeyId", { cryptoKeyId: CRYPTO_KEY }),
  [BUCKET]: {
    id: "{name}",
    autonameMax: 63,
    immutable: "customPlacementConfig enableObjectRetention hierarchicalNamespace location name project",
    enums: {
      "ipFilter.mode": ["Enabled", "Disabled"],
      "lifecycleRules[].condition.withState": ["LIVE", "ARCHIVED", "ANY"],
      ...Object.fromEntries(["customerManaged", "customerSupplied", "googleManaged"].map((kind) => [`encryption.${kind}EncryptionEnforcementConfig.restrictionMode`, ENFORCEMENTS])),
    },
    items: { lifecycleRules: [0, 100], "customPlacementConfig.dataLocations": [1, 2] },
    patterns: { name: /^[a-z0-9][-_.a-z0-9]{1,61}[a-z0-9]$/ },
    defaults: { forceDestroy: false, storageClass: "STANDARD", "softDeletePolicy.retentionDurationSeconds": 604800, "retentionPolicy.isLocked": false },
    references: { "encryption.defaultKmsKeyName": CRYPTO_KEY },
  },
  "gcp:storage/bucketIAMMember:BucketIAMMember": iamMember("b/{bucket}", "bucket", { bucket: BUCKET }),
  [TOPIC]: {
    id: "projects/{project}/topics/{name}",
    autonameMax: 255,
    immutable: "name project tags",
    patterns: { name: /^[A-Za-z][-A-Za-z0-9_.~+%]{2,254}$/ },
    references: { kmsKeyName: CRYPTO_KEY },
  },
  "gcp:pubsub/topicIAMMember:TopicIAMMember": iamMember("projects/{project}/topics/{topic:last}", "project topic", { topic: TOPIC }),
};

import type { Declared } from "../../../policy/rule";

/** Changes a stack for the worse. */
export type Weakening = (stack: WeakStack) => void;

/** The resources of a stack, to be bent. */
export class WeakStack {
  readonly resources: Declared[];

  constructor(resources: readonly Declared[]) {
    this.resources = structuredClone(resources) as Declared[];
  }

  /** The first resource whose token ends so, or the one of that name among them. */
  one(type: string, name?: string): Declared {
    const found = this.resources.find((resource) => resource.type.endsWith(type) && (name === undefined || resource.name === name));
    if (found === undefined) throw new Error(`the stack has no ${type} ${name ?? ""}`);
    return found;
  }

  add(type: string, props: Record<string, unknown>): void {
    this.resources.push({ type, name: "weak", props, protect: true });
  }

  /** Leaves out what `isLeftOut` names, of which there must be some. */
  drop(isLeftOut: (resource: Declared) => boolean): void {
    const kept = this.resources.filter((resource) => !isLeftOut(resource));
    if (kept.length === this.resources.length) throw new Error("the stack has nothing to leave out");
    this.resources.splice(0, this.resources.length, ...kept);
  }
}

const SQL = "sql/databaseInstance:DatabaseInstance";
const RUN = "cloudrunv2/service:Service";
const JOB = "cloudrunv2/job:Job";
const FIREWALL = "compute/firewall:Firewall";
const REDIS = "redis/instance:Instance";
const SECRET = "secretmanager/secret:Secret";
const MACHINE = "compute/instance:Instance";
const ACCOUNT = "serviceAccount:prod-backend@example-project.iam.gserviceaccount.com";
const DEFAULT_ACCOUNT = "123456789012-compute@developer.gserviceaccount.com";

/** Sets a property of a resource, by its path; undefined takes it away. `type` may be followed by a blank and the resource's name. */
function set(type: string, path: string, value: unknown): Weakening {
  return (stack) => {
    const keys = path.split(".");
    const last = keys.pop()!;
    const [token, name] = type.split(" ");
    let inner = stack.one(token!, name).props as Record<string, unknown>;
    for (const key of keys) inner = inner[key] as Record<string, unknown>;
    if (value === undefined) delete inner[last];
    else inner[last] = value;
  };
}

/** A setting of the database. */
function sql(path: string, value: unknown): Weakening {
  return set(SQL, `settings.${path}`, value);
}

/** A database flag with another value, or none. */
function flag(name: string, value?: string): Weakening {
  return (stack) => {
    const { databaseFlags } = (stack.one(SQL).props as { settings: { databaseFlags: { name: string; value: string }[] } }).settings;
    databaseFlags.splice(databaseFlags.findIndex((entry) => entry.name === name), 1, ...(value === undefined ? [] : [{ name, value }]));
  };
}

function added(type: string, props: Record<string, unknown>): Weakening {
  return (stack) => stack.add(type, props);
}

function dropped(type: string, name?: string): Weakening {
  return (stack) => stack.drop((resource) => resource.type.endsWith(type) && (name === undefined || resource.name === name));
}

/** A container of a service or job with one variable in addition. */
function variable(type: string, path: string, name: string, value: string): Weakening {
  return set(type, path, [{ name, value }]);
}

/** A grant in the project. */
function granted(role: string, member: string): Weakening {
  return added("gcp:projects/iAMMember:IAMMember", { project: "example-project", role, member });
}

/** A firewall rule that is in order but for what is given. */
function firewall(props: Record<string, unknown>): Weakening {
  const defaults = { direction: "INGRESS", allows: [{ protocol: "tcp", ports: ["443"] }], sourceRanges: ["10.20.0.0/22"], targetTags: ["clickhouse"], logConfig: { metadata: "INCLUDE_ALL_METADATA" } };
  return added(`gcp:${FIREWALL}`, { ...defaults, ...props });
}

/** A bucket that is in order but for what is given. */
function bucket(props: Record<string, unknown>): Weakening {
  const defaults = { name: "backups", uniformBucketLevelAccess: true, publicAccessPrevention: "enforced", versioning: { enabled: true }, logging: { logBucket: "logs" }, encryption: { defaultKmsKeyName: "key" } };
  return added("gcp:storage/bucket:Bucket", { ...defaults, ...props });
}

/** By rule, stacks that break it and no other rule. */
export const weakenings: Readonly<Record<string, readonly Weakening[]>> = {
  "sql-no-public-address": [sql("ipConfiguration.ipv4Enabled", true), sql("ipConfiguration.ipv4Enabled", undefined)],
  "sql-no-authorized-networks": [sql("ipConfiguration.authorizedNetworks", [{ value: "198.51.100.0/24" }])],
  "sql-private-network": [sql("ipConfiguration.privateNetwork", undefined)],
  "sql-tls-only": [sql("ipConfiguration.sslMode", "ALLOW_UNENCRYPTED_AND_ENCRYPTED"), sql("ipConfiguration.sslMode", undefined)],
  "sql-verifiable-name": [sql("ipConfiguration.serverCaMode", "GOOGLE_MANAGED_INTERNAL_CA")],
  "sql-backups": [sql("backupConfiguration.enabled", false), sql("backupConfiguration.startTime", undefined)],
  "sql-backup-retention": [sql("backupConfiguration.backupRetentionSettings.retainedBackups", 6), sql("backupConfiguration.backupRetentionSettings", undefined)],
  "sql-point-in-time-recovery": [sql("backupConfiguration.pointInTimeRecoveryEnabled", false)],
  "sql-high-availability": [sql("availabilityType", "ZONAL")],
  "sql-deletion-protection": [set(SQL, "deletionProtection", false), sql("deletionProtectionEnabled", false)],
  "sql-iam-authentication": [flag("cloudsql.iam_authentication"), flag("cloudsql.iam_authentication", "off")],
  "sql-customer-managed-key": [set(SQL, "encryptionKeyName", undefined)],
  "sql-query-insights": [sql("insightsConfig.queryInsightsEnabled", false)],
  "sql-password-policy": [sql("passwordValidationPolicy", undefined), sql("passwordValidationPolicy.minLength", 11)],
  "sql-connector-enforcement": [sql("connectorEnforcement", undefined)],
  "sql-disk-limit": [sql("diskAutoresizeLimit", 0)],
  "sql-logs-error-verbosity": [flag("log_error_verbosity", "verbose")],
  "sql-logs-connections": [flag("log_connections", "off"), flag("log_connections")],
  "sql-logs-disconnections": [flag("log_disconnections", "off")],
  "sql-logs-statements": [flag("log_statement", "none")],
  "sql-logs-messages": [flag("log_min_messages", "fatal")],
  "sql-logs-error-statements": [flag("log_min_error_statement", "panic")],
  "sql-no-statement-durations": [flag("log_min_duration_statement", "1000")],
  "sql-pgaudit": [flag("cloudsql.enable_pgaudit")],
  "sql-logs-checkpoints": [flag("log_checkpoints")],
  "sql-logs-lock-waits": [flag("log_lock_waits", "off")],
  "sql-logs-temporary-files": [flag("log_temp_files", "-1")],
  "sql-no-statistics-flags": ["log_executor_stats", "log_parser_stats", "log_planner_stats", "log_statement_stats"].map((name) => flag(name, "on")),
  "sql-no-built-in-users": [added("gcp:sql/user:User", { instance: "sql", name: "accounts" }), added("gcp:sql/user:User", { instance: "sql", name: "accounts", type: "BUILT_IN", databaseRoles: [] })],

  "redis-password": [set(REDIS, "authEnabled", false)],
  "redis-tls": [set(REDIS, "transitEncryptionMode", "DISABLED"), set(REDIS, "transitEncryptionMode", undefined)],
  "redis-private-connection": [set(REDIS, "connectMode", "DIRECT_PEERING"), set(REDIS, "authorizedNetwork", undefined)],
  "redis-high-availability": [set(REDIS, "tier", "BASIC")],
  "redis-persistence": [set(REDIS, "persistenceConfig", undefined)],
  "redis-maintenance-window": [set(REDIS, "maintenancePolicy", undefined)],
  "redis-deletion-protection": [set(REDIS, "deletionProtection", false)],
  "redis-customer-managed-key": [set(REDIS, "customerManagedKey", undefined)],

  "secret-rotation": [
    set(SECRET, "rotation.rotationPeriod", "7776001s"),
    set(SECRET, "rotation.nextRotationTime", undefined),
    set(SECRET, "rotation", undefined),
    set(SECRET, "topics", []),
  ],
  "secret-destroy-delay": [set(SECRET, "versionDestroyTtl", undefined)],
  "secret-labels": [set(SECRET, "labels", {})],
  "secret-deletion-protection": [set(SECRET, "deletionProtection", false)],
  "secret-customer-managed-key": [set(SECRET, "replication", { auto: {} }), set(SECRET, "replication", { userManaged: { replicas: [{ location: "europe-west1" }] } })],
  "secret-no-value-in-state": [added("gcp:secretmanager/secretVersion:SecretVersion", { secret: "s", secretData: "correct horse" })],
  "secret-not-public": [
    set("SecretIamMember", "member", "allUsers"),
    added("gcp:secretmanager/secretIamBinding:SecretIamBinding", { secretId: "s", role: "roles/secretmanager.secretAccessor", members: ["allAuthenticatedUsers"] }),
    added("gcp:secretmanager/secretIamPolicy:SecretIamPolicy", { secretId: "s", policyData: '{"bindings":[{"role":"roles/secretmanager.secretAccessor","members":["allUsers"]}]}' }),
  ],
  "secret-roles": [set("SecretIamMember", "role", "roles/secretmanager.admin")],
  "secret-access-per-secret": [granted("roles/secretmanager.secretAccessor", ACCOUNT)],

  "network-custom-subnets": [set("compute/network:Network", "autoCreateSubnetworks", true), set("compute/network:Network", "autoCreateSubnetworks", undefined)],
  "network-denies-by-default": [dropped(FIREWALL, "firewall-deny-in"), dropped(FIREWALL, "firewall-deny-out"), set(`${FIREWALL} firewall-deny-in`, "targetTags", ["bastion"])],
  "network-dns-logging": [dropped("dns/policy:Policy"), set("dns/policy:Policy", "enableLogging", false)],
  "project-no-default-network": [added("gcp:organizations/project:Project", { projectId: "other" })],
  "subnet-private-google-access": [set("Subnetwork", "privateIpGoogleAccess", false)],
  "subnet-flow-logs": [set("Subnetwork", "logConfig", undefined), set("Subnetwork", "logConfig.flowSampling", 0)],
  "subnet-ipv6-google-access": [set("Subnetwork", "stackType", "IPV4_IPV6")],
  "subnet-private-range": [set("Subnetwork", "ipCidrRange", "203.0.113.0/24")],
  "firewall-no-open-ingress": [firewall({ sourceRanges: ["10.0.0.0/8", "0.0.0.0/0"] }), firewall({ sourceRanges: ["::/0"] }), firewall({ sourceRanges: ["0.0.0.0/1", "128.0.0.0/1"] }), firewall({ sourceRanges: [] }), firewall({ sourceRanges: undefined })],
  "firewall-no-open-egress": [firewall({ direction: "EGRESS", sourceRanges: undefined, destinationRanges: ["0.0.0.0/0"] }), firewall({ direction: "EGRESS", sourceRanges: undefined })],
  "firewall-names-ports": [firewall({ allows: [{ protocol: "UDP" }] }), firewall({ allows: [{ protocol: "6" }] }), firewall({ allows: [{ protocol: "all" }] })],
  "firewall-narrow-port-ranges": [firewall({ allows: [{ protocol: "tcp", ports: ["100-130"] }] })],
  "firewall-logging": [firewall({ logConfig: undefined })],
  "firewall-database-ports": [
    ...["5432", "6379", "6378", "8123", "8443", "9000", "9440", "9430-9450"].map((port) => firewall({ allows: [{ protocol: "tcp", ports: [port] }], targetTags: undefined })),
    firewall({ allows: [{ protocol: "TCP", ports: ["5432"] }], targetTags: [] }),
    firewall({ allows: [{ protocol: "tcp", ports: ["5432"] }], sourceRanges: ["198.51.100.0/24"] }),
    firewall({ direction: "EGRESS", allows: [{ protocol: "tcp", ports: ["5432"] }], sourceRanges: undefined, destinationRanges: ["198.51.100.0/24"] }),
  ],
  "connector-explicit-sizes": [added("gcp:vpcaccess/connector:Connector", { minInstances: 2 }), added("gcp:vpcaccess/connector:Connector", { minInstances: 2, maxInstances: 4, maxThroughput: 300 })],

  "run-not-public": [
    added("gcp:cloudrunv2/serviceIamMember:ServiceIamMember", { name: "prod-backend", role: "roles/run.invoker", member: "allUsers" }),
    added("gcp:cloudrunv2/serviceIamBinding:ServiceIamBinding", { name: "prod-backend", role: "roles/run.invoker", members: [ACCOUNT, "allAuthenticatedUsers"] }),
    added("gcp:cloudrun/iamMember:IamMember", { service: "prod-backend", role: "roles/run.invoker", member: "allUsers" }),
  ],
  "run-internal-ingress": [set(`${RUN} services-backend`, "ingress", "INGRESS_TRAFFIC_ALL"), set(`${RUN} services-backend`, "ingress", undefined)],
  "run-callers-checked": [set(`${RUN} services-backend`, "invokerIamDisabled", true), set(`${RUN} services-frontend`, "defaultUriDisabled", false)],
  "run-own-account": [set(RUN, "template.serviceAccount", undefined), set(RUN, "template.serviceAccount", DEFAULT_ACCOUNT)],
  "run-accounts-not-shared": [set(`${RUN} services-frontend`, "template.serviceAccount", "prod-backend@example-project.iam.gserviceaccount.com")],
  "run-vpc-egress": [set(RUN, "template.vpcAccess", undefined), set(RUN, "template.vpcAccess.egress", undefined), set(RUN, "template.vpcAccess.connector", "connector-id")],
  "run-deletion-protection": [set(RUN, "deletionProtection", false)],
  "run-customer-managed-key": [set(RUN, "template.encryptionKey", undefined)],
  "run-bounded-instances": [set(RUN, "template.scaling.maxInstanceCount", undefined)],
  "run-no-plain-secrets": [
    variable(RUN, "template.containers.0.envs", "DB_PASSWORD", "correct horse"),
    variable(RUN, "template.containers.0.envs", "STRIPE_API_KEY", "sk"),
    variable(RUN, "template.containers.0.envs", "UPSTREAM", "postgres://accounts:horse@10.20.16.3/accounts"),
    variable(JOB, "template.template.containers.0.envs", "TOKEN", "t"),
  ],
  "run-pinned-images": [set(RUN, "template.containers.0.image", "example/backend:latest")],

  "edge-tls-policy": [set("SSLPolicy", "minTlsVersion", "TLS_1_0"), set("SSLPolicy", "profile", "COMPATIBLE"), set("SSLPolicy", "minTlsVersion", undefined)],
  "edge-uses-tls-policy": [set("TargetHttpsProxy", "sslPolicy", undefined)],

  "machine-no-public-address": [set(MACHINE, "networkInterfaces.0.accessConfigs", [{}])],
  "machine-own-account": [set(MACHINE, "serviceAccount", undefined), set(MACHINE, "serviceAccount.email", DEFAULT_ACCOUNT)],
  "machine-shielded": [set(MACHINE, "shieldedInstanceConfig", undefined), set(MACHINE, "shieldedInstanceConfig.enableVtpm", false)],
  "machine-no-project-keys": [set(MACHINE, "metadata.block-project-ssh-keys", undefined)],
  "machine-no-forwarding": [set(MACHINE, "canIpForward", true)],
  "machine-deletion-protection": [set(MACHINE, "deletionProtection", false)],

  "iam-not-public": [granted("roles/logging.viewer", "allUsers"), set("TopicIAMMember", "member", "allAuthenticatedUsers")],
  "iam-no-broad-roles": [granted("roles/cloudsql.admin", ACCOUNT), granted("roles/viewer", "group:developers@example.com"), added("gcp:folder/iAMMember:IAMMember", { folder: "folders/1", role: "roles/run.admin", member: ACCOUNT })],
  "iam-no-impersonation": [granted("roles/iam.serviceAccountUser", "group:developers@example.com"), granted("roles/iam.serviceAccountTokenCreator", ACCOUNT)],
  "iam-no-default-account": [granted("roles/logging.logWriter", `serviceAccount:${DEFAULT_ACCOUNT}`), granted("roles/logging.logWriter", "serviceAccount:example-project@appspot.gserviceaccount.com")],
  "iam-no-single-people": [granted("roles/logging.logWriter", "user:ada@example.com")],
  "iam-no-account-keys": [added("gcp:serviceaccount/key:Key", { serviceAccountId: "prod-backend" })],
  "iam-separate-duties": [
    (stack) => {
      for (const role of ["roles/cloudkms.admin", "roles/cloudkms.cryptoKeyEncrypterDecrypter"]) stack.add("gcp:kms/keyRingIAMMember:KeyRingIAMMember", { keyRingId: "keys", role, member: "group:security@example.com" });
    },
  ],
  "federation-condition": [
    added("gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider", { workloadIdentityPoolId: "ci" }),
    added("gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider", { workloadIdentityPoolId: "ci", attributeCondition: "true" }),
  ],

  "key-rotation": [set("CryptoKey", "rotationPeriod", undefined), set("CryptoKey", "rotationPeriod", "7776001s")],
  "key-not-public": [set("CryptoKeyIAMMember", "member", "allAuthenticatedUsers")],
  "key-protected": [(stack) => Object.assign(stack.one("CryptoKey"), { protect: false })],

  "audit-all-services": [
    dropped("IAMAuditConfig"),
    set("IAMAuditConfig", "service", "storage.googleapis.com"),
    set("IAMAuditConfig", "auditLogConfigs", [{ logType: "ADMIN_READ" }, { logType: "DATA_READ" }]),
    set("IAMAuditConfig", "auditLogConfigs.0.exemptedMembers", ["user:ada@example.com"]),
  ],
  "audit-changes-alerted": [
    (stack) => stack.drop(({ type, props }) => type.endsWith(":Metric") && String(props["filter"]).includes("cloudsql.instances.update")),
    dropped(":AlertPolicy"),
  ],

  "bucket-uniform-access": [bucket({ uniformBucketLevelAccess: false })],
  "bucket-public-prevention": [bucket({ publicAccessPrevention: "inherited" })],
  "bucket-versioning": [bucket({ versioning: undefined })],
  "bucket-access-log": [bucket({ logging: undefined }), bucket({ logging: { logBucket: "backups" } })],
  "bucket-customer-managed-key": [bucket({ encryption: undefined })],
  "bucket-not-public": [added("gcp:storage/bucketIAMMember:BucketIAMMember", { bucket: "backups", role: "roles/storage.objectViewer", member: "allUsers" })],
};

import { createHash } from "node:crypto";

import type { CloudSettings } from "../cloud";
import type { Value, Values } from "../property-values";

/** When everything in the simulated cloud was made; a fixed moment, so that runs compare. */
const CREATED = "2026-01-01T00:00:00Z";
/** What links to resources of Compute Engine begin with. */
const COMPUTE_LINK = "https://www.googleapis.com/compute/v1/";

/** Domains of the accounts that Google's services act as, by API. */
const SERVICE_AGENTS: Readonly<Record<string, string>> = {
  "redis.googleapis.com": "cloud-redis",
  "run.googleapis.com": "serverless-robot-prod",
  "sqladmin.googleapis.com": "gcp-sa-cloud-sql",
};

type Outputs = (id: string, inputs: Values, settings: CloudSettings) => Values;

/** Outputs of types whose outputs programs read, beyond those that every type has. */
const OUTPUTS: Readonly<Record<string, Outputs>> = {
  "gcp:compute/network:Network": (id) => ({ numericId: number(id), networkId: number(id) }),
  "gcp:compute/subnetwork:Subnetwork": (id, { ipCidrRange }) => ({ gatewayAddress: firstAddress(ipCidrRange), subnetworkId: Number(number(id)) % 2 ** 31 }),
  "gcp:compute/globalAddress:GlobalAddress": (id, inputs) => ({ address: inputs["address"] ?? (inputs["addressType"] === "INTERNAL" ? `10.${byte(id, 0)}.0.0` : publicAddress(id)), ...(inputs["purpose"] === "VPC_PEERING" ? { prefixLength: inputs["prefixLength"] ?? 20 } : {}) }),
  "gcp:compute/address:Address": (id, inputs) => ({ address: inputs["address"] ?? (inputs["addressType"] === "INTERNAL" ? `10.${byte(id, 0)}.${byte(id, 1)}.5` : publicAddress(id)) }),
  "gcp:compute/instance:Instance": (id, inputs) => ({
    instanceId: number(id),
    currentStatus: "RUNNING",
    networkInterfaces: list(inputs["networkInterfaces"]).map((item, index) => ({ networkIp: item["networkIp"] ?? `10.${byte(id, 0)}.${byte(id, 1)}.${index + 10}`, name: `nic${index}` })),
  }),
  "gcp:servicenetworking/connection:Connection": () => ({ peering: "servicenetworking-googleapis-com" }),
  "gcp:vpcaccess/connector:Connector": () => ({ state: "READY" }),
  "gcp:sql/databaseInstance:DatabaseInstance": (id, inputs, { project, region }) => {
    const address = `10.${byte(id, 0)}.${byte(id, 1)}.3`;
    const dnsName = `${createHash("sha256").update(id).digest("hex").slice(0, 12)}.${createHash("sha256").update(project).digest("hex").slice(0, 10)}.${text(inputs["region"]) || region}.sql.goog.`;
    const settings = inputs["settings"] as Values | undefined;
    return {
      connectionName: `${project}:${text(inputs["region"]) || region}:${text(inputs["name"])}`,
      dnsName,
      dnsNames: [{ name: dnsName, connectionType: "PRIVATE_SERVICES_ACCESS", dnsScope: "INSTANCE", recordManager: "CLOUD_SQL_AUTOMATION" }],
      privateIpAddress: address,
      firstIpAddress: address,
      ipAddresses: [{ ipAddress: address, type: "PRIVATE", timeToRetire: "" }],
      serverCaCerts: [{ cert: "-----BEGIN CERTIFICATE-----\nsimulated\n-----END CERTIFICATE-----", commonName: `C=US,O=Google\\, Inc,CN=Google Cloud SQL Server CA`, createTime: CREATED, expirationTime: "2036-01-01T00:00:00Z", sha1Fingerprint: createHash("sha1").update(id).digest("hex") }],
      serviceAccountEmailAddress: `p123456789012-${createHash("sha256").update(id).digest("hex").slice(0, 6)}@gcp-sa-cloud-sql.iam.gserviceaccount.com`,
      instanceType: inputs["masterInstanceName"] === undefined ? "CLOUD_SQL_INSTANCE" : "READ_REPLICA_INSTANCE",
      settings: { version: 1, diskSize: settings?.["diskSize"] ?? 10, diskType: "PD_SSD", edition: "ENTERPRISE" },
      selfLink: `https://sqladmin.googleapis.com/sql/v1beta4/${id}`,
    };
  },
  "gcp:sql/database:Database": (id) => ({ charset: "UTF8", collation: "en_US.UTF8", selfLink: `https://sqladmin.googleapis.com/sql/v1beta4/${id}` }),
  "gcp:redis/instance:Instance": (id, { authEnabled }) => ({
    host: `10.${byte(id, 0)}.${byte(id, 1)}.4`,
    port: 6378,
    authString: authEnabled === true ? createHash("sha256").update(id).digest("hex").slice(0, 36) : "",
    serverCaCerts: [{ cert: "-----BEGIN CERTIFICATE-----\nsimulated\n-----END CERTIFICATE-----", serialNumber: "1", createTime: CREATED, expireTime: "2036-01-01T00:00:00Z", sha1Fingerprint: "" }],
  }),
  "gcp:secretmanager/secret:Secret": (_, { secretId }, { projectNumber }) => ({ name: `projects/${projectNumber}/secrets/${text(secretId)}` }),
  "gcp:secretmanager/secretVersion:SecretVersion": (id) => ({ name: id, version: id.split("/").at(-1)! }),
  "gcp:serviceaccount/account:Account": (id) => {
    const email = id.split("/").at(-1)!;
    return { email, name: id, member: `serviceAccount:${email}`, uniqueId: number(id) };
  },
  "gcp:projects/serviceIdentity:ServiceIdentity": (_, { service }, { projectNumber }) => {
    // Google's names of its own accounts follow no rule: these are the ones of a database's surroundings.
    const agent = SERVICE_AGENTS[text(service)] ?? `gcp-sa-${text(service).split(".")[0]!}`;
    const email = `service-${projectNumber}@${agent}.iam.gserviceaccount.com`;
    return { email, member: `serviceAccount:${email}` };
  },
  "gcp:cloudrunv2/service:Service": (id, { name, location }, { projectNumber }) => {
    const uri = `https://${text(name)}-${projectNumber}.${text(location)}.run.app`;
    return { uri, urls: [uri], latestReadyRevision: `${id}/revisions/${text(name)}-00001-abc`, latestCreatedRevision: `${id}/revisions/${text(name)}-00001-abc`, uid: number(id), generation: "1", observedGeneration: "1" };
  },
  "gcp:storage/bucket:Bucket": (id) => ({ url: `gs://${id}`, selfLink: `https://www.googleapis.com/storage/v1/b/${id}` }),
  "gcp:monitoring/alertPolicy:AlertPolicy": (id) => ({ name: id }),
  "gcp:monitoring/notificationChannel:NotificationChannel": (id) => ({ name: id, verificationStatus: "VERIFICATION_STATUS_UNSPECIFIED" }),
  "gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig": (id) => ({ name: id, uptimeCheckId: id.split("/").at(-1)! }),
  "gcp:artifactregistry/repository:Repository": (id, { location, repositoryId }, { project }) => ({ name: id.split("/").at(-1)!, registryUri: `${text(location)}-docker.pkg.dev/${project}/${text(repositoryId)}` }),
  "gcp:dns/managedZone:ManagedZone": (id) => ({ managedZoneId: number(id), nameServers: [1, 2, 3, 4].map((index) => `ns-cloud-a${index}.googledomains.com.`) }),
  "gcp:certificatemanager/dnsAuthorization:DnsAuthorization": (_, { domain }) => ({ dnsResourceRecords: [{ name: `_acme-challenge.${text(domain)}.`, type: "CNAME", data: `${createHash("sha256").update(text(domain)).digest("hex").slice(0, 32)}.7.authorize.certificatemanager.goog.` }] }),
};

/** Everything that the cloud gives a resource. */
export function gcpOutputs(type: string, id: string, inputs: Values, settings: CloudSettings): Values {
  const labels = { ...(inputs["labels"] as Values | undefined), "goog-pulumi-provisioned": "true" };
  return {
    project: settings.project,
    region: settings.region,
    zone: settings.zone,
    effectiveLabels: labels,
    pulumiLabels: labels,
    effectiveAnnotations: (inputs["annotations"] ?? {}),
    createTime: CREATED,
    updateTime: CREATED,
    creationTimestamp: CREATED,
    etag: number(id),
    fingerprint: number(id),
    ...(type.startsWith("gcp:compute/") ? { selfLink: `${COMPUTE_LINK}${id}`, labelFingerprint: number(id) } : { selfLink: `https://${type.slice(4).split("/")[0]}.googleapis.com/v1/${id}` }),
    ...OUTPUTS[type]?.(id, inputs, settings),
  };
}

/** A number that looks made up, and is always the same for an id. */
function number(id: string): string {
  return String(createHash("sha256").update(id).digest().readUIntBE(0, 6));
}

function byte(id: string, index: number): number {
  return createHash("sha256").update(id).digest()[index]!;
}

/** Of the ranges kept for documentation (RFC 5737), so that nobody is reached by mistake. */
function publicAddress(id: string): string {
  return `203.0.113.${byte(id, 0)}`;
}

function firstAddress(range: Value | undefined): string {
  return text(range).replace(/\d+\/\d+$/, "1");
}

function text(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}

function list(value: Value | undefined): readonly Values[] {
  return Array.isArray(value) ? (value as readonly Values[]) : [];
}

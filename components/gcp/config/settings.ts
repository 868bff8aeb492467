import { decimalNumber, flag, listOf, nonEmptyListOf, oneOf, pairOf, text, wholeNumber } from "../../settings/kinds";
import type { Section, Setting } from "../../settings/read-section";
import { imageProblem } from "../../../manager/src/catalog/web";
import { isPrivate, parseRange } from "./address-ranges";
import { DEFAULT_POOL_MAX } from "./connection-budget";
import { sqlMachine } from "./machine-types";

// Every setting of a gcp stack: parser, messages and docs/gcp-configuration.md are made from these tables. What combines several is in checks/.

const EXAMPLE_DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

const range = text("private address range such as 10.20.0.0/22 (RFC 1918, no bit set behind the prefix)", (value) => {
  const parsed = parseRange(value);
  return parsed !== undefined && isPrivate(parsed);
});
const image = text("container image", (value) => imageProblem(value) === undefined);
const hostName = text("host name in small letters", /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/);
const email = text("mail address", /^[^\s@"'<>]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+$/);
// Named people, groups and accounts only: allUsers and allAuthenticatedUsers have no colon.
const iamMember = text("IAM member such as group:ops@example.com", /^(?:user|group|serviceAccount|domain|principal|principalSet):\S{1,512}$/);
const path = text("path of a file", (value) => value.length > 0 && value.length <= 4096 && !value.includes("\0"));

export const PROJECT_ID: Setting<string> = {
  kind: text("project id of 6 to 30 small letters, digits and hyphens", /^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/),
  example: "example-project",
  about: "The Google Cloud project that all of it is made in. One project a stack keeps bills and quotas apart; two stacks in one project do not collide.",
};

export const REGION: Setting<string> = {
  kind: text("region such as europe-west1", /^[a-z]+-[a-z]+[1-9]\d?$/),
  example: "europe-west1",
  about: "Region of everything regional. To change it is to make everything anew, with no data.",
};

export const DELETION_PROTECTION: Setting<boolean> = {
  kind: flag,
  default: true,
  example: "true",
  about: "Refuses to destroy what holds data or serves users, in Pulumi and in Google's API, and wants every image with its digest. `false` is for stacks that are thrown away.",
};

export const NETWORK = {
  servicesRange: { kind: range, default: "10.20.0.0/22", example: "10.20.0.0/22", about: "Subnet of the Cloud Run instances with direct egress; each may take four addresses, and /26 is the smallest." },
  machinesRange: { kind: range, default: "10.20.4.0/24", example: "10.20.4.0/24", about: "Subnet of the machines: ClickHouse, bastion. /28 is the smallest." },
  privateServicesRange: { kind: range, default: "10.20.16.0/20", example: "10.20.16.0/20", about: "Where Google's own services (Cloud SQL, Memorystore) take addresses from: /24 is the smallest, /23 with Redis. It can grow later, and never shrink." },
  flowLogSampling: { kind: decimalNumber(0, 1), default: 0.5, example: "0.5", about: "Part of the network flows that is logged. All of them (1) cost twice as much as half of them; 0 leaves nothing to look into after an incident." },
} satisfies Section;

const MODE = { kind: oneOf("direct", "connector"), default: "direct", example: "direct", about: "How Cloud Run reaches private addresses: `direct`, without anything in between, or through two Serverless VPC Access connectors." } as const;

export const EGRESS = {
  direct: { mode: MODE },
  connector: {
    mode: MODE,
    ranges: { kind: pairOf(range), default: ["10.20.8.0/28", "10.20.8.16/28"], example: '["10.20.8.0/28","10.20.8.16/28"]', about: "A /28 for each connector; no other size is taken." },
    minInstances: { kind: wholeNumber(2, 9), default: 2, example: "2", about: "Instances of each connector from the beginning. They are paid whether used or not." },
    maxInstances: { kind: wholeNumber(3, 10), default: 4, example: "4", about: "Instances of each connector at the most. A connector never gives an instance back, so a peak is paid for until the connector is made anew." },
    machineType: { kind: oneOf("f1-micro", "e2-micro", "e2-standard-4"), default: "e2-micro", example: "e2-micro", about: "Carries about 50, 100 or 1600 Mbit/s an instance." },
    active: { kind: oneOf("both", "a", "b"), default: "both", example: "both", about: "Which connectors carry traffic: both with the services spread over them, or one while the other is mended." },
  },
} satisfies Record<string, Section>;

export const SQL = {
  version: { kind: oneOf("POSTGRES_15", "POSTGRES_16", "POSTGRES_17", "POSTGRES_18"), default: "POSTGRES_17", example: "POSTGRES_17", about: "Major version; 17 is the laptop's. A later one is an upgrade with an outage of minutes, and there is no way back." },
  machineType: {
    kind: text("machine type of Cloud SQL for PostgreSQL such as db-custom-4-15360 (4 CPUs, 15360 MB in steps of 256)", (value) => sqlMachine(value) !== undefined),
    default: "db-custom-4-15360",
    example: "db-custom-4-15360",
    about: "CPUs and memory. Memory decides how many connections there are; a change is an outage of a minute or so.",
  },
  edition: { kind: oneOf("ENTERPRISE", "ENTERPRISE_PLUS"), default: "ENTERPRISE", example: "ENTERPRISE", about: "ENTERPRISE has the machine types db-custom-*, ENTERPRISE_PLUS db-perf-optimized-N-* and db-c4a-highmem-*, shorter maintenance and 35 days of transaction logs, at about 1.3 times the price." },
  availability: { kind: oneOf("REGIONAL", "ZONAL"), default: "REGIONAL", example: "REGIONAL", about: "REGIONAL has a standby in another zone, at twice the price. ZONAL is out for as long as its zone is." },
  diskSizeGb: { kind: wholeNumber(10, 65_536), default: 20, example: "20", about: "Size to begin with, in GB. It grows by itself, and never shrinks." },
  diskLimitGb: { kind: wholeNumber(10, 65_536), default: 200, example: "200", about: "Growth ends here, in GB, so that a service out of control costs a bounded amount; when it is reached, writes fail." },
  backup: {
    startTime: { kind: text("time such as 02:00", /^(?:[01]\d|2[0-3]):[0-5]\d$/), default: "02:00", example: "02:00", about: "When the daily backup begins, UTC." },
    retained: { kind: wholeNumber(1, 365), default: 14, example: "14", about: "Daily backups that are kept." },
    transactionLogDays: { kind: wholeNumber(1, 35), default: 7, example: "7", about: "Days that point-in-time recovery reaches back: up to 7, in ENTERPRISE_PLUS up to 35." },
  },
  maintenance: {
    day: { kind: wholeNumber(1, 7), default: 7, example: "7", about: "Day of the weekly maintenance window; 1 is Monday." },
    hour: { kind: wholeNumber(0, 23), default: 3, example: "3", about: "Hour at which it begins, UTC. Maintenance is an outage of under a minute, a few times a year." },
  },
  readReplicas: { kind: wholeNumber(0, 10), default: 0, example: "0", about: "Read replicas. Each costs what an instance without standby costs." },
  maxConnections: { kind: wholeNumber(25, 10_000), optional: true, example: "500", about: "`max_connections`. Default: what the machine type gives. The services' budgets must fit in; a change restarts the server." },
} satisfies Section;

export const REDIS = {
  tier: { kind: oneOf("STANDARD_HA", "BASIC"), default: "STANDARD_HA", example: "STANDARD_HA", about: "STANDARD_HA has a replica in another zone; BASIC loses everything with its machine." },
  memorySizeGb: { kind: wholeNumber(1, 300), default: 1, example: "1", about: "Memory of each instance, in GB. It is paid whether used or not." },
  version: { kind: oneOf("REDIS_7_2", "REDIS_7_0", "REDIS_6_X"), default: "REDIS_7_2", example: "REDIS_7_2", about: "Version of Redis. It can go up, and never down." },
} satisfies Section;

export const CLICKHOUSE = {
  machineType: { kind: text("machine type such as n2d-standard-2", /^[a-z]\d[a-z]{0,2}-[a-z]+(?:-\d{1,3}){1,2}$/), default: "n2d-standard-2", example: "n2d-standard-2", about: "The machine it runs on; n2d can keep its memory encrypted (a confidential VM)." },
  zone: { kind: text("zone such as europe-west1-b", /^[a-z]+-[a-z]+[1-9]\d?-[a-f]$/), optional: true, example: "europe-west1-b", about: "Zone within the region. Default: the region's b. One machine: it is out for as long as its zone is." },
  diskSizeGb: { kind: wholeNumber(10, 65_536), default: 100, example: "100", about: "Data disk, in GB. It can grow, and never shrink." },
  image: { kind: image, example: `europe-west1-docker.pkg.dev/example-project/mirror/clickhouse/clickhouse-server:25.8@${EXAMPLE_DIGEST}`, about: "Container image with its digest; without deletion protection a tag will do. In Artifact Registry (a remote repository mirrors Docker Hub), since the machine does not reach the internet." },
  snapshotRetentionDays: { kind: wholeNumber(1, 365), default: 14, example: "14", about: "Days that the daily snapshots of the disk are kept." },
} satisfies Section;

export const ENCRYPTION = {
  customerManagedKeys: { kind: flag, default: false, example: "true", about: "Keys of your own in Cloud KMS for disks, databases and secrets, instead of Google's. To change it later makes the database anew. A destroyed key is data lost for good." },
} satisfies Section;

export const SECRETS = {
  rotationPeriodDays: { kind: wholeNumber(1, 90), default: 90, example: "90", about: "Days after which a notice is published that a secret wants rotating." },
  versionDestroyDelayDays: { kind: wholeNumber(1, 365), default: 30, example: "30", about: "Days between the order to destroy a version and its destruction, in which it can be taken back." },
} satisfies Section;

export const EDGE = {
  domains: { kind: nonEmptyListOf(hostName, 50), example: '["example.com"]', about: "Host names that the load balancer serves; the first is the main one." },
  served: { kind: oneOf("managed", "backup"), default: "managed", example: "managed", about: "Which certificate users get. `backup` while the managed one cannot be renewed; it needs `backupCertificate`." },
  cloudArmor: { kind: flag, default: true, example: "true", about: "Limits the rate of requests and blocks common attacks, at a few dollars a month and under a dollar for a million requests." },
} satisfies Section;

export const BACKUP_CERTIFICATE = {
  certificateFile: { kind: path, example: "certificates/backup.pem", about: "Certificate and chain of the second, independent certificate, PEM, on the machine that runs `up`. Without it there is no fail-over when the managed one does not renew." },
  privateKeyFile: { kind: path, example: "certificates/backup-key.pem", about: "Its private key, PEM. Keep it out of the repository." },
} satisfies Section;

export const WATCH = {
  emails: { kind: listOf(email, 16), default: [], example: '["on-call@example.com"]', about: "Who is told of alerts. With none, they are shown in the console only." },
} satisfies Section;

const TRANSPORT = { kind: oneOf("direct", "tunnel", "job"), example: "tunnel", about: "How the setup reaches the private database from where `up` runs: `direct` over a route into the VPC, `tunnel` through a bastion without public address (needs gcloud), `job` by a Cloud Run job inside the VPC." } as const;

export const REACH = {
  direct: {
    transport: TRANSPORT,
    probe: { kind: text("host and port such as 10.20.16.3:5432", /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-f:]+\]):\d{1,5}$/), optional: true, example: "10.20.16.3:5432", about: "Something behind the same route, tried before anything is created. Default: the instance, if there is one." },
  },
  tunnel: {
    transport: TRANSPORT,
    members: { kind: listOf(iamMember, 50), default: [], example: '["group:ops@example.com"]', about: "Who may open a tunnel to the bastion. Default: nobody but who has that right in the project already." },
  },
  job: {
    transport: TRANSPORT,
    image: { kind: image, example: `europe-west1-docker.pkg.dev/example-project/bulkhead/setup@${EXAMPLE_DIGEST}`, about: "Image of the job, built from components/gcp/setup-job/Dockerfile; with its digest, as for services." },
  },
} satisfies Record<string, Section>;

export const SERVICE = {
  image: { kind: image, optional: true, example: `europe-west1-docker.pkg.dev/example-project/services/backend@${EXAMPLE_DIGEST}`, about: "What to run. Default: the catalog's. With its digest; without deletion protection a tag will do." },
  minInstances: { kind: wholeNumber(0, 1000), default: 0, example: "0", about: "Instances that always run. 0: nothing runs, and nothing is paid, while nobody calls; 1 avoids cold starts." },
  maxInstances: { kind: wholeNumber(1, 1000), optional: true, example: "4", about: "Instances at the most. Default: as many as the service's `connections` allow, up to 10." },
  poolMax: { kind: wholeNumber(1, 500), optional: true, example: String(DEFAULT_POOL_MAX), about: `Connections of one instance's pool. Default: ${DEFAULT_POOL_MAX}; a service without a database has none. Twice poolMax × maxInstances must fit into the service's \`connections\`.` },
  cpu: { kind: oneOf(1, 2, 4, 6, 8), default: 1, example: "1", about: "CPUs of an instance." },
  memoryMb: { kind: wholeNumber(512, 32_768), default: 512, example: "512", about: "Memory of an instance, in MB. Over it, the instance is killed." },
  concurrency: { kind: wholeNumber(1, 1000), default: 80, example: "80", about: "Requests that an instance serves at once; more start another instance." },
} satisfies Section;

/** Names of the project's own settings in a gcp stack, beside `target`. */
export const OWN_SETTINGS = ["network", "egress", "sql", "redis", "clickhouse", "encryption", "secrets", "edge", "watch", "reach", "services", "deletionProtection"] as const;

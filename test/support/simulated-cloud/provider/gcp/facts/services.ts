import type { PackageFacts } from "../../resource-facts";
import { iamMember } from "./forms";

const RUN_SERVICE = "gcp:cloudrunv2/service:Service";
const RUN_JOB = "gcp:cloudrunv2/job:Job";
const DURATION = /^[0-9]+(?:\.[0-9]{1,9})?s$/;
const PROBES = ["startupProbe", "livenessProbe"];
const CHANNEL = "gcp:monitoring/notificationChannel:NotificationChannel";
const CREDENTIALS = ["authToken", "authTokenWo", "password", "passwordWo", "serviceKey", "serviceKeyWo"];
const REGISTRIES = ["aptRepository", "commonRepository", "dockerRepository", "mavenRepository", "npmRepository", "pythonRepository", "yumRepository"];

/** What a template of Cloud Run refers to. */
function runReferences(template: string): Record<string, string> {
  return {
    [`${template}.serviceAccount`]: "gcp:serviceaccount/account:Account",
    [`${template}.vpcAccess.connector`]: "gcp:vpcaccess/connector:Connector",
    [`${template}.vpcAccess.networkInterfaces[].network`]: "gcp:compute/network:Network",
    [`${template}.vpcAccess.networkInterfaces[].subnetwork`]: "gcp:compute/subnetwork:Subnetwork",
    [`${template}.containers[].envs[].valueSource.secretKeyRef.secret`]: "gcp:secretmanager/secret:Secret",
    [`${template}.volumes[].secret.secret`]: "gcp:secretmanager/secret:Secret",
  };
}

/** Cloud Run, accounts and rights, and what watches over the tier. */
export const serviceFacts: PackageFacts = {
  [RUN_SERVICE]: {
    id: "projects/{project}/locations/{location}/services/{name}",
    autonameMax: 49,
    immutable: "location name project tags",
    conflicts: ["template.vpcAccess.connector template.vpcAccess.networkInterfaces"],
    patterns: { name: /^[a-z]([-a-z0-9]*[a-z0-9])?$/, "template.timeout": DURATION },
    fractions: "template.scaling.concurrencyUtilization template.scaling.cpuUtilization",
    defaults: {
      deletionProtection: true,
      ...Object.fromEntries(PROBES.flatMap((probe) => [["failureThreshold", 3], ["initialDelaySeconds", 0], ["periodSeconds", 10], ["timeoutSeconds", 1]].map(([name, value]) => [`template.containers[].${probe}.${name}`, value!]))),
    },
    references: runReferences("template"),
  },
  // The provider makes up a name even here, where there is no service of that name.
  "gcp:cloudrunv2/serviceIamMember:ServiceIamMember": { ...iamMember("projects/{project}/locations/{location}/services/{name:last}", "location name project", { name: RUN_SERVICE }), autonameMax: 63 },
  [RUN_JOB]: {
    id: "projects/{project}/locations/{location}/jobs/{name}",
    autonameMax: 49,
    immutable: "location name project tags",
    conflicts: ["runExecutionToken startExecutionToken"],
    patterns: { name: /^[a-z]([-a-z0-9]*[a-z0-9])?$/, "template.template.timeout": DURATION },
    defaults: { deletionProtection: true, "template.template.maxRetries": 3 },
    references: runReferences("template.template"),
  },
  "gcp:cloudrunv2/jobIamMember:JobIamMember": { ...iamMember("projects/{project}/locations/{location}/jobs/{name:last}", "location name project", { name: RUN_JOB }), autonameMax: 63 },
  "gcp:serviceaccount/account:Account": {
    id: "projects/{project}/serviceAccounts/{accountId}@{project}.iam.gserviceaccount.com",
    immutable: "accountId project",
    patterns: { accountId: /^[a-z](?:[-a-z0-9]{4,28}[a-z0-9])$/ },
    lengths: { description: [0, 256] },
    defaults: { disabled: false },
  },
  // Of a repository that the stack does not make.
  "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": iamMember("projects/{project}/locations/{location}/repositories/{repository:last}", "location project repository", {}),
  "gcp:projects/iAMMember:IAMMember": iamMember("{project}", "project", {}),
  "gcp:projects/service:Service": { id: "{project}/{service}", immutable: "project service", patterns: { service: /^[a-z][-a-z0-9]*(\.[-a-z0-9]+)+$/ } },
  "gcp:projects/serviceIdentity:ServiceIdentity": { id: "projects/{project}/services/{service}", immutable: "project service" },
  "gcp:projects/iAMAuditConfig:IAMAuditConfig": { id: "{project}/audit_config/{service}", immutable: "project service" },
  "gcp:monitoring/alertPolicy:AlertPolicy": {
    id: "projects/{project}/alertPolicies/{generated}",
    immutable: "project",
    defaults: { enabled: true, "documentation.mimeType": "text/markdown" },
    fractions: "conditions",
    references: { "notificationChannels[]": CHANNEL },
  },
  [CHANNEL]: { id: "projects/{project}/notificationChannels/{generated}", immutable: "project", exactlyOne: [CREDENTIALS.map((name) => `sensitiveLabels.${name}`).join(" ")], defaults: { enabled: true, forceDelete: false } },
  "gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig": {
    id: "projects/{project}/uptimeCheckConfigs/{generated}",
    immutable: "checkerType monitoredResource project resourceGroup syntheticMonitor httpCheck.requestMethod",
    exactlyOne: ["monitoredResource resourceGroup syntheticMonitor", "httpCheck.authInfo.password httpCheck.authInfo.passwordWo"],
    together: ["httpCheck.authInfo.passwordWo httpCheck.authInfo.passwordWoVersion"],
    defaults: { period: "300s", "httpCheck.path": "/", "httpCheck.requestMethod": "GET", "contentMatchers[].matcher": "CONTAINS_STRING" },
  },
  "gcp:monitoring/dashboard:Dashboard": { id: "projects/{project}/dashboards/{generated}", immutable: "project" },
  "gcp:logging/metric:Metric": {
    id: "{name}",
    autonameMax: 100,
    immutable: "project metricDescriptor.labels.key metricDescriptor.labels.valueType",
    defaults: { "metricDescriptor.unit": "1", "metricDescriptor.labels[].valueType": "STRING" },
    fractions: "bucketOptions",
  },
  "gcp:artifactregistry/repository:Repository": {
    id: "projects/{project}/locations/{location}/repositories/{repositoryId}",
    immutable: "format kmsKeyName location mavenConfig mode project remoteRepositoryConfig repositoryId",
    mutable: "remoteRepositoryConfig.disableUpstreamValidation remoteRepositoryConfig.upstreamCredentials",
    enums: { "remoteRepositoryConfig.aptRepository.publicRepository.repositoryBase": ["DEBIAN", "UBUNTU", "DEBIAN_SNAPSHOT"] },
    conflicts: ["remoteRepositoryConfig virtualRepositoryConfig", ...["docker", "maven", "npm", "python"].map((kind) => ["customRepository", "publicRepository"].map((name) => `remoteRepositoryConfig.${kind}Repository.${name}`).join(" "))],
    exactlyOne: [REGISTRIES.map((registry) => `remoteRepositoryConfig.${registry}`).join(" ")],
    defaults: { mode: "STANDARD_REPOSITORY" },
    references: { kmsKeyName: "gcp:kms/cryptoKey:CryptoKey" },
  },
};

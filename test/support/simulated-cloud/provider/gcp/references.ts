import type { Cloud, CloudResource } from "../cloud";
import { valuesAt } from "../property-values";
import { gcpFacts } from "./gcp-facts";

const SERVICE_ACCOUNT = "gcp:serviceaccount/account:Account";
const ADDRESS = /^\d+\.\d+\.\d+\.\d+$/;

/**
 * Resources that others refer to and that the cloud therefore does not delete. Others can be deleted from under those that refer to them:
 * a service account, a secret, a topic.
 */
const HELD = new Set([
  "gcp:compute/network:Network",
  "gcp:compute/subnetwork:Subnetwork",
  "gcp:compute/globalAddress:GlobalAddress",
  "gcp:compute/address:Address",
  "gcp:compute/router:Router",
  "gcp:compute/disk:Disk",
  "gcp:compute/resourcePolicy:ResourcePolicy",
  "gcp:compute/regionNetworkEndpointGroup:RegionNetworkEndpointGroup",
  "gcp:compute/backendService:BackendService",
  "gcp:compute/uRLMap:URLMap",
  "gcp:compute/targetHttpsProxy:TargetHttpsProxy",
  "gcp:compute/targetHttpProxy:TargetHttpProxy",
  "gcp:compute/sSLPolicy:SSLPolicy",
  "gcp:compute/securityPolicy:SecurityPolicy",
  "gcp:compute/managedSslCertificate:ManagedSslCertificate",
  "gcp:certificatemanager/certificate:Certificate",
  "gcp:certificatemanager/certificateMap:CertificateMap",
  "gcp:certificatemanager/dnsAuthorization:DnsAuthorization",
  "gcp:monitoring/notificationChannel:NotificationChannel",
]);

/** @throws Error naming the first thing that a resource refers to and that is not there */
export function requireReferences(resource: CloudResource, cloud: Cloud): void {
  for (const { place, value, types } of references(resource)) {
    if (isElsewhere(value, types, cloud)) continue;
    if (!types.some((type) => cloud.list(type).some((candidate) => isNamed(candidate, value)))) {
      throw new Error(`Error creating ${resource.type.split(":").at(-1)!}: googleapi: Error 404: ${place}: the resource '${value}' was not found, notFound`);
    }
  }
}

/** @throws Error naming something that refers to the resource, where the cloud would not delete it for that */
export function refuseWhileReferred(resource: CloudResource, cloud: Cloud): void {
  if (!HELD.has(resource.type)) return;
  for (const type of REFERRERS.get(resource.type) ?? []) {
    // What the program has abandoned, such as a peering, holds nothing.
    const user = cloud.list(type).find((candidate) => candidate.id !== resource.id && candidate.inputs["deletionPolicy"] !== "ABANDON" && references(candidate).some(({ value, types }) => types.includes(resource.type) && isNamed(resource, value)));
    if (user !== undefined) throw new Error(`Error deleting ${resource.type.split(":").at(-1)!}: googleapi: Error 400: The resource '${resource.id}' is already being used by '${user.id}', resourceInUseByAnotherResource`);
  }
}

/** Which types refer to a type. */
const REFERRERS = new Map<string, string[]>();
for (const [type, { references: paths }] of Object.entries(gcpFacts)) {
  for (const target of new Set(Object.values(paths ?? {}).flatMap((targets) => targets.split(" ")))) REFERRERS.set(target, [...(REFERRERS.get(target) ?? []), type]);
}

function references({ type, inputs }: CloudResource): { place: string; value: string; types: readonly string[] }[] {
  return Object.entries(gcpFacts[type]?.references ?? {}).flatMap(([path, types]) =>
    valuesAt(inputs, path).flatMap(({ place, value }) => (typeof value === "string" && value !== "" ? [{ place, value, types: types.split(" ") }] : [])),
  );
}

/** What this cloud cannot know: another project's, Google's own accounts, users and groups, a plain address. */
function isElsewhere(value: string, types: readonly string[], cloud: Cloud): boolean {
  const project = /projects\/([^/]+)\//.exec(value)?.[1];
  if (project !== undefined && project !== cloud.settings.project && project !== cloud.settings.projectNumber) return true;
  if (types.includes(SERVICE_ACCOUNT)) return !value.endsWith(`@${cloud.settings.project}.iam.gserviceaccount.com`) || (value.includes(":") && !value.startsWith("serviceAccount:"));
  return types.includes("gcp:compute/globalAddress:GlobalAddress") && ADDRESS.test(value);
}

/** Whether a text means a resource: by its id, a link to it, its name in the cloud, its address of mail. */
function isNamed({ type, id, inputs, outputs }: CloudResource, value: string): boolean {
  if (value === id || value.endsWith(`/${id}`)) return true;
  if (value === outputs["name"] || value === inputs["name"] || value === outputs["selfLink"]) return true;
  if (type === SERVICE_ACCOUNT) return value === outputs["email"] || value === outputs["member"];
  return type === "gcp:secretmanager/secret:Secret" && value === inputs["secretId"];
}

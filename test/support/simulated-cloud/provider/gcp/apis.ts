import type { Cloud, CloudResource } from "../cloud";

const API = "gcp:projects/service:Service";

/** The API that makes the types of a module. What a new project has from the start is not here: logging, monitoring, storage. */
const APIS: Readonly<Record<string, string>> = {
  artifactregistry: "artifactregistry.googleapis.com",
  certificatemanager: "certificatemanager.googleapis.com",
  cloudrunv2: "run.googleapis.com",
  compute: "compute.googleapis.com",
  dns: "dns.googleapis.com",
  iap: "iap.googleapis.com",
  kms: "cloudkms.googleapis.com",
  pubsub: "pubsub.googleapis.com",
  redis: "redis.googleapis.com",
  secretmanager: "secretmanager.googleapis.com",
  serviceaccount: "iam.googleapis.com",
  servicenetworking: "servicenetworking.googleapis.com",
  sql: "sqladmin.googleapis.com",
  vpcaccess: "vpcaccess.googleapis.com",
};

/** @throws Error where the API that makes the resource is not enabled in the project */
export function requireApi({ type, id }: CloudResource, cloud: Cloud): void {
  const api = APIS[type.slice("gcp:".length).split("/")[0]!];
  if (api === undefined || cloud.settings.requireApis !== true) return;
  if (cloud.find(API, ({ inputs }) => inputs["service"] === api) !== undefined) return;
  throw new Error(`Error creating ${id}: googleapi: Error 403: ${api} has not been used in project ${cloud.settings.project} before or it is disabled., accessNotConfigured`);
}

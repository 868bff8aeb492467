import type { CloudPackage } from "../cloud-package";
import type { Value, Values } from "../property-values";
import { requireApi } from "./apis";
import { gcpFacts } from "./gcp-facts";
import { gcpOutputs } from "./outputs";
import { refuseWhileReferred, requireReferences } from "./references";
import { checkMeaning, endPeerings, forcesReplacement, refuseConflicts, refuseDeletion } from "./rules";

/** A project's number, which Google makes up. */
const PROJECT_NUMBER = "123456789012";

/** Google Cloud. */
export const gcp: CloudPackage = {
  name: "gcp",
  npmPackage: "@pulumi/gcp",
  facts: gcpFacts,
  refusals: {
    exists: (type, id) => `Error creating ${shortType(type)}: googleapi: Error 409: '${id}' already exists, alreadyExists`,
    missing: (type, id) => `Error reading ${shortType(type)}: googleapi: Error 404: '${id}' was not found, notFound`,
  },
  settings: (config) => ({
    project: config["project"] ?? process.env["GOOGLE_PROJECT"] ?? "",
    projectNumber: PROJECT_NUMBER,
    region: config["region"] ?? process.env["GOOGLE_REGION"] ?? "",
    zone: config["zone"] ?? process.env["GOOGLE_ZONE"] ?? "",
    requireApis: process.env["SIMULATED_CLOUD_REQUIRE_APIS"] === "true",
  }),
  check: checkMeaning,
  forcesReplacement,
  outputs: gcpOutputs,
  admit(resource, previous, cloud) {
    requireApi(resource, cloud);
    requireReferences(resource, cloud);
    refuseConflicts(resource, previous, cloud);
  },
  release(resource, cloud) {
    refuseDeletion(resource, cloud);
    refuseWhileReferred(resource, cloud);
    endPeerings(resource, cloud);
  },
  invoke(token, args, settings): Record<string, Value> {
    switch (token) {
      case "gcp:organizations/getProject:getProject": {
        const project = text(args["projectId"]) || settings.project;
        return { id: `projects/${project}`, projectId: project, name: project, number: settings.projectNumber, orgId: "", folderId: "", billingAccount: "", labels: {}, effectiveLabels: {}, pulumiLabels: {}, autoCreateNetwork: false, deletionPolicy: "DELETE", tags: {} };
      }
      case "gcp:organizations/getClientConfig:getClientConfig":
        return { id: `projects/${settings.project}`, project: settings.project, region: settings.region, zone: settings.zone, accessToken: "simulated", defaultLabels: {} };
      case "gcp:compute/getZones:getZones": {
        const region = text(args["region"]) || settings.region;
        return { id: `projects/${settings.project}/regions/${region}`, project: settings.project, region, names: ["a", "b", "c"].map((letter) => `${region}-${letter}`) };
      }
      default:
        throw new Error(`the simulated cloud does not know the data source ${token}`);
    }
  },
};

/** `DatabaseInstance` of the type token. */
function shortType(type: string): string {
  return type.split(":").at(-1)!;
}

function text(value: Values[string] | undefined): string {
  return typeof value === "string" ? value : "";
}

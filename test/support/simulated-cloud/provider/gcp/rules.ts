import { readdirSync } from "node:fs";

import type { Cloud, CloudResource, CloudSettings } from "../cloud";
import { isUnknown, valuesAt } from "../property-values";
import type { Value, Values } from "../property-values";
import { contains, overlaps, parseRange } from "./address-range";
import { gcpFacts } from "./gcp-facts";

const SUBNETWORK = "gcp:compute/subnetwork:Subnetwork";
const CONNECTION = "gcp:servicenetworking/connection:Connection";
const CONNECTOR = "gcp:vpcaccess/connector:Connector";
const SQL_INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance";
const REDIS = "gcp:redis/instance:Instance";

/** What the provider refuses before it asks the cloud. */
export function checkMeaning(type: string, inputs: Values, settings: CloudSettings): string[] {
  return [...checkPlace(type, inputs, settings), ...checkRanges(type, inputs), ...checkConnector(type, inputs)];
}

/** Project, region and zone come from the provider's configuration where the program gives none. */
function checkPlace(type: string, inputs: Values, settings: CloudSettings): string[] {
  const form = gcpFacts[type]?.id ?? "";
  return (["project", "region", "zone"] as const)
    .filter((name) => form.includes(`{${name}}`) && inputs[name] === undefined && settings[name] === "")
    .map((name) => `${name}: required field is not set, in the resource or as gcp:${name}`);
}

function checkRanges(type: string, inputs: Values): string[] {
  const paths = type === SUBNETWORK ? ["ipCidrRange", "secondaryIpRanges[].ipCidrRange"] : type === CONNECTOR ? ["ipCidrRange"] : [];
  return paths.flatMap((path) =>
    valuesAt(inputs, path).flatMap(({ place, value }) => {
      if (isUnknown(value) || typeof value !== "string") return [];
      if (parseRange(value) === undefined) return [`${place}: must be a range in CIDR notation without bits behind its prefix`];
      return type === CONNECTOR && !value.endsWith("/28") ? [`${place}: must be a /28`] : [];
    }),
  );
}

/** The API demands one of each pair, and the minimum below the maximum. */
function checkConnector(type: string, inputs: Values): string[] {
  if (type !== CONNECTOR) return [];
  const failures = [["maxInstances", "maxThroughput"], ["minInstances", "minThroughput"]].filter((names) => names.every((name) => inputs[name] === undefined)).map((names) => `a connector must specify either ${names.join(" or ")}`);
  const [min, max] = [inputs["minInstances"], inputs["maxInstances"]];
  if (typeof min === "number" && typeof max === "number" && min >= max) failures.push("minInstances: must be less than maxInstances");
  if (inputs["subnet"] === undefined && (inputs["network"] === undefined || inputs["ipCidrRange"] === undefined)) failures.push("a connector must have a subnet, or a network and an ipCidrRange");
  return failures;
}

/** A subnet can grow in place and not shrink; so can a disk. */
export function forcesReplacement(type: string, before: Values, after: Values): string[] {
  if (type === SUBNETWORK) {
    const [old, next] = [range(before["ipCidrRange"]), range(after["ipCidrRange"])];
    return old !== undefined && next !== undefined && !contains(next, old) ? ["ipCidrRange"] : [];
  }
  if (type === "gcp:compute/disk:Disk") return isLess(after["size"], before["size"]) ? ["size"] : [];
  if (type === SQL_INSTANCE) return isLess(diskSize(after), diskSize(before)) ? ["settings.diskSize"] : [];
  return [];
}

/**
 * @param previous undefined for a new resource
 * @throws Error where the cloud refuses to make or change a resource because of others
 */
export function refuseConflicts(resource: CloudResource, previous: CloudResource | undefined, cloud: Cloud): void {
  if (resource.type === SUBNETWORK) refuseOverlap(resource, cloud);
  if (needsPeering(resource)) requirePeering(resource, cloud);
  if (resource.type === SQL_INSTANCE && previous === undefined) refuseUsedName(resource, cloud);
}

function refuseOverlap(resource: CloudResource, cloud: Cloud): void {
  for (const other of cloud.list(SUBNETWORK)) {
    if (other.id === resource.id || networkName(other) !== networkName(resource)) continue;
    const clash = rangesOf(resource).some((own) => rangesOf(other).some((theirs) => overlaps(own, theirs)));
    if (clash) throw new Error(`Error creating Subnetwork: googleapi: Error 400: Invalid IPCidrRange: ${textOf(resource.inputs["ipCidrRange"])} conflicts with existing subnetwork '${other.id}', invalid`);
  }
}

function rangesOf({ inputs }: CloudResource): { first: number; last: number }[] {
  return ["ipCidrRange", "secondaryIpRanges[].ipCidrRange"].flatMap((path) => valuesAt(inputs, path).flatMap(({ value }) => range(value) ?? []));
}

/** Google's own network, in which private instances live, is reached over the peering of a Connection. */
function needsPeering({ type, inputs }: CloudResource): boolean {
  if (type === SQL_INSTANCE) return valuesAt(inputs, "settings.ipConfiguration.privateNetwork").length > 0;
  return type === REDIS && inputs["connectMode"] === "PRIVATE_SERVICE_ACCESS";
}

function requirePeering(resource: CloudResource, cloud: Cloud): void {
  const network = networkName(resource);
  if (cloud.list(CONNECTION).some((connection) => networkName(connection) === network)) return;
  throw new Error(`Error, failed to create instance because the network ${network} doesn't have at least 1 private services connection. Please see https://cloud.google.com/sql/docs/postgres/private-ip#network_requirements for how to create this connection.`);
}

function refuseUsedName({ type, id, inputs }: CloudResource, cloud: Cloud): void {
  const used = cloud.operations().some((done) => done.operation === "delete" && done.type === type && done.id === id);
  if (used) throw new Error(`Error, failed to create instance ${textOf(inputs["name"])}: googleapi: Error 409: The Cloud SQL instance already exists. When you delete an instance, you can't reuse the name of the deleted instance until one week from the deletion date., instanceAlreadyExists`);
}

/** @throws Error where the cloud refuses to delete a resource because of what it is, or what lives off it */
export function refuseDeletion(resource: CloudResource, cloud: Cloud): void {
  const { type, id, inputs } = resource;
  if (type === REDIS && inputs["deletionProtection"] !== false) throw new Error(`cannot destroy redis instance without setting deletionProtection=false and running pulumi up`);
  if (type === SQL_INSTANCE && valuesAt(inputs, "settings.deletionProtectionEnabled").some(({ value }) => value === true)) {
    throw new Error(`Error, failed to delete instance ${id}: googleapi: Error 400: The instance is protected. Please disable the deletion protection and try again., deletionProtectionEnabled`);
  }
  if (type === CONNECTION) {
    const producer = [...cloud.list(SQL_INSTANCE), ...cloud.list(REDIS)].find((each) => needsPeering(each) && networkName(each) === networkName(resource));
    if (producer !== undefined) throw new Error(`Unable to remove Service Networking Connection, err: Error waiting for Delete Service Networking Connection: Error code 9, message: Failed to delete connection; Producer services (e.g. CloudSQL, Cloud Memstore, etc.) are still using this connection. (${producer.id})`);
  }
  // A behaviour or a test puts what lies in a bucket into its folder of the cloud.
  if (type === "gcp:storage/bucket:Bucket" && inputs["forceDestroy"] !== true && readdirSync(cloud.folder("buckets", id)).length > 0) {
    throw new Error(`Error trying to delete bucket ${id} containing objects without forceDestroy set to true`);
  }
}

/** A connection that was abandoned goes with its network. */
export function endPeerings(resource: CloudResource, cloud: Cloud): void {
  if (resource.type !== "gcp:compute/network:Network") return;
  for (const connection of cloud.list(CONNECTION)) if (networkName(connection) === resource.inputs["name"]) cloud.remove(CONNECTION, connection.id);
}

/** The last part of the name, for it is given as a name, an id or a link. */
function networkName({ type, inputs }: CloudResource): string {
  const [value] = type === SQL_INSTANCE ? valuesAt(inputs, "settings.ipConfiguration.privateNetwork").map((at) => at.value) : [inputs["network"] ?? inputs["authorizedNetwork"]];
  return typeof value === "string" ? value.split("/").at(-1)! : "default";
}

function range(value: Value | undefined): { first: number; last: number } | undefined {
  return typeof value === "string" ? parseRange(value) : undefined;
}

function textOf(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}

function diskSize(inputs: Values): Value | undefined {
  return valuesAt(inputs, "settings.diskSize")[0]?.value;
}

function isLess(a: Value | undefined, b: Value | undefined): boolean {
  return typeof a === "number" && typeof b === "number" && a < b;
}

/** Services whose name in Terraform is written differently from Pulumi's module; all others are the same. */
const SERVICES: Readonly<Record<string, string>> = {
  artifactregistry: "artifact_registry",
  certificatemanager: "certificate_manager",
  cloudrunv2: "cloud_run_v2",
  cloudscheduler: "cloud_scheduler",
  projects: "project",
  secretmanager: "secret_manager",
  serviceaccount: "service_account",
  servicenetworking: "service_networking",
  vpcaccess: "vpc_access",
};

/** Types that do not follow from the service and the name. */
const TYPES: Readonly<Record<string, string>> = { "gcp:serviceaccount/account:Account": "google_service_account" };

/**
 * Pulumi names every list in the plural. Terraform names a list of plain values in the plural and a block that may be repeated in the singular;
 * these are the lists that do not follow that. Only the types that the tier uses are looked at; `Type.property` goes before the bare name.
 */
const BLOCKS_IN_PLURAL = new Set(
  `acceptedResponseStatusCodes advertisedIpRanges aggregations authorizedNetworks bypassCacheOnRequestHeaders cleanupPolicies conditions containers contentMatchers cors customMetrics
  databaseFlags dayOfWeeks defaultKeySpecs denominatorAggregations enforceOnKeyConfigs filterLabels flags gkeClusters guestOsFeatures headerMatches headers httpFilterConfigs httpHeaders
  internalLoadBalancers items labels links localityLbPolicies matchRules messageTransforms metadataFilters networkInterfaces networks nodeAffinities ports pscAutoConnections queryParameterMatches replicas
  requestHeadersToAdds routeRules RouterNat.rules subjectAltNames targetNameServers thresholdConfigs topics trafficGranularityConfigs upstreamPolicies volumeMounts volumes
  vpcNetworkSources weightedBackendServices`.split(/\s+/),
);
const BLOCKS_IN_SINGULAR = new Set(["Instance.networkInterfaces"]);
const VALUES_IN_SINGULAR: Readonly<Record<string, string>> = {
  commands: "command",
  dependsOns: "depends_on",
  matchesPrefixes: "matches_prefix",
  matchesStorageClasses: "matches_storage_class",
  matchesSuffixes: "matches_suffix",
  methods: "method",
  origins: "origin",
  queryStringBlacklists: "query_string_blacklist",
  queryStringWhitelists: "query_string_whitelist",
  requestHeadersToRemoves: "request_headers_to_remove",
  responseHeaders: "response_header",
  responseHeadersToRemoves: "response_headers_to_remove",
  sourceIpRangesToNats: "source_ip_ranges_to_nat",
};
const OTHERWISE: Readonly<Record<string, string>> = { layer7DdosDefenseConfig: "layer_7_ddos_defense_config" };

/** Properties that are a map with keys of the user's own, which are not to be renamed; every other object is a block. */
export const MAPS: ReadonlySet<string> = new Set([
  "annotations",
  "attributes",
  "environmentVariables",
  "headers",
  "labelExtractors",
  "labels",
  "limits",
  "metadata",
  "parameters",
  "partnerMetadata",
  "redisConfigs",
  "resourceManagerTags",
  "tags",
  "userLabels",
  "versionAliases",
]);

/** What a property holds, as far as its name depends on that. */
export type Shape = "value" | "values" | "block" | "blocks";

/** Terraform's resource type: `gcp:compute/uRLMap:URLMap` → `google_compute_url_map`. */
export function terraformType(token: string): string {
  const [, module = "", name = ""] = token.split(":");
  const group = module.split("/")[0]!;
  return TYPES[token] ?? `google_${SERVICES[group] ?? group}_${snakeCase(name)}`;
}

/**
 * Terraform's name of a property.
 *
 * @param type last part of the resource's token, `RouterNat`: the same plural stands for different names in different types
 */
export function terraformProperty(type: string, property: string, shape: Shape): string {
  const other = OTHERWISE[property];
  if (other !== undefined) return other;
  if (shape === "values") return VALUES_IN_SINGULAR[property] ?? snakeCase(property);
  if (shape !== "blocks") return snakeCase(property);
  const qualified = `${type}.${property}`;
  const isPlural = !BLOCKS_IN_SINGULAR.has(qualified) && (BLOCKS_IN_PLURAL.has(qualified) || BLOCKS_IN_PLURAL.has(property));
  return isPlural ? snakeCase(property) : singular(snakeCase(property));
}

/** `privateIpv6GoogleAccess` → `private_ipv6_google_access`, `IAMMember` → `iam_member`. */
export function snakeCase(name: string): string {
  return name
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

function singular(name: string): string {
  if (name.endsWith("ies")) return `${name.slice(0, -3)}y`;
  if (/(ss|x|ch|sh)es$/.test(name)) return name.slice(0, -2);
  return name.replace(/s$/, "");
}

/** A label that Terraform takes, for a resource's name. */
export function terraformLabel(name: string): string {
  const label = name.replace(/[^A-Za-z0-9_-]/g, "_");
  return /^[A-Za-z_]/.test(label) ? label : `_${label}`;
}

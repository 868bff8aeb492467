import type { PackageFacts } from "../../resource-facts";
import { globalCompute, regionalCompute } from "./forms";

const NEG = "gcp:compute/regionNetworkEndpointGroup:RegionNetworkEndpointGroup";
const BACKEND_SERVICE = "gcp:compute/backendService:BackendService";
const URL_MAP = "gcp:compute/uRLMap:URLMap";
const HTTP_PROXY = "gcp:compute/targetHttpProxy:TargetHttpProxy";
const HTTPS_PROXY = "gcp:compute/targetHttpsProxy:TargetHttpsProxy";
const SSL_POLICY = "gcp:compute/sSLPolicy:SSLPolicy";
const SECURITY_POLICY = "gcp:compute/securityPolicy:SecurityPolicy";
const SSL_CERTIFICATE = "gcp:compute/managedSslCertificate:ManagedSslCertificate";
const CERTIFICATE_MAP = "gcp:certificatemanager/certificateMap:CertificateMap";
const CERTIFICATE = "gcp:certificatemanager/certificate:Certificate";
const DNS_AUTHORIZATION = "gcp:certificatemanager/dnsAuthorization:DnsAuthorization";
const MANAGED_ZONE = "gcp:dns/managedZone:ManagedZone";

const REDIRECT_CODES = ["FOUND", "MOVED_PERMANENTLY_DEFAULT", "PERMANENT_REDIRECT", "SEE_OTHER", "TEMPORARY_REDIRECT"];
const MATCH_OPERATORS = ["EQUALS", "STARTS_WITH", "ENDS_WITH", "CONTAINS", "EQUALS_ANY"];
const CHALLENGES = ["EXTERNAL_302", "GOOGLE_RECAPTCHA"];
const QUERY_PARAMETERS = "defaultRouteAction.cachePolicy.cacheKeyPolicy";
const EXCLUSIONS = "rules[].preconfiguredWafConfig.exclusions[]";

/** Load balancer, certificates, Cloud Armor, DNS. */
export const edgeFacts: PackageFacts = {
  [NEG]: regionalCompute("networkEndpointGroups", {
    immutable: "appEngine cloudFunction cloudRun description network networkEndpointType pscData pscTargetService serverlessDeployment subnetwork",
    conflicts: ["appEngine cloudFunction cloudRun serverlessDeployment"],
    defaults: { networkEndpointType: "SERVERLESS" },
    references: { "cloudRun.service": "gcp:cloudrunv2/service:Service" },
  }),
  [BACKEND_SERVICE]: globalCompute("backendServices", {
    immutable: "params dynamicForwarding.ipPortSelection",
    conflicts: ["iap.oauth2ClientId iap.oauth2ClientIdWo", "iap.oauth2ClientSecret iap.oauth2ClientSecretWo"],
    together: ["iap.oauth2ClientIdWo iap.oauth2ClientIdWoVersion", "iap.oauth2ClientSecretWo iap.oauth2ClientSecretWoVersion"],
    defaults: { loadBalancingScheme: "EXTERNAL_MANAGED", connectionDrainingTimeoutSec: 300, "backends[].balancingMode": "UTILIZATION", "backends[].capacityScaler": 1, "logConfig.sampleRate": 1 },
    fractions: "backends[].capacityScaler backends[].maxUtilization backends[].maxRatePerInstance backends[].maxRatePerEndpoint backends[].customMetrics[].maxUtilization logConfig.sampleRate networkPassThroughLbTrafficPolicy externalManagedMigrationTestingPercentage",
    references: { "backends[].group": NEG, securityPolicy: SECURITY_POLICY },
  }),
  [URL_MAP]: globalCompute("urlMaps", {
    immutable: "",
    enums: {
      "defaultUrlRedirect.redirectResponseCode": REDIRECT_CODES,
      "pathMatchers[].defaultUrlRedirect.redirectResponseCode": REDIRECT_CODES,
      "pathMatchers[].pathRules[].urlRedirect.redirectResponseCode": REDIRECT_CODES,
      "pathMatchers[].routeRules[].urlRedirect.redirectResponseCode": REDIRECT_CODES,
    },
    conflicts: ["defaultRouteAction defaultUrlRedirect", `${QUERY_PARAMETERS}.includedQueryParameters ${QUERY_PARAMETERS}.excludedQueryParameters`],
    defaults: { "defaultUrlRedirect.httpsRedirect": false },
    fractions: "defaultRouteAction pathMatchers",
    references: { defaultService: BACKEND_SERVICE, "pathMatchers[].defaultService": BACKEND_SERVICE, "pathMatchers[].pathRules[].service": BACKEND_SERVICE },
  }),
  [HTTPS_PROXY]: globalCompute("targetHttpsProxies", {
    immutable: "description httpKeepAliveTimeoutSec proxyBind tlsEarlyData",
    conflicts: ["certificateManagerCertificates sslCertificates"],
    defaults: { quicOverride: "NONE" },
    references: { urlMap: URL_MAP, "sslCertificates[]": SSL_CERTIFICATE, sslPolicy: SSL_POLICY, certificateMap: CERTIFICATE_MAP },
  }),
  [HTTP_PROXY]: globalCompute("targetHttpProxies", { immutable: "description httpKeepAliveTimeoutSec proxyBind", references: { urlMap: URL_MAP } }),
  "gcp:compute/globalForwardingRule:GlobalForwardingRule": globalCompute("forwardingRules", {
    immutable:
      "allowPscGlobalAccess description ipAddress ipProtocol ipVersion metadataFilters network networkTier noAutomateDnsZone portRange serviceDirectoryRegistrations sourceIpRanges subnetwork",
    items: { "metadataFilters[].filterLabels": [1, 64] },
    defaults: { loadBalancingScheme: "EXTERNAL_MANAGED" },
    fractions: "externalManagedBackendBucketMigrationTestingPercentage",
    references: { target: `${HTTPS_PROXY} ${HTTP_PROXY}`, ipAddress: "gcp:compute/globalAddress:GlobalAddress" },
  }),
  [SSL_POLICY]: globalCompute("sslPolicies", { immutable: "description", defaults: { minTlsVersion: "TLS_1_0", profile: "COMPATIBLE" } }),
  [SSL_CERTIFICATE]: globalCompute("sslCertificates", { immutable: "description managed type", items: { "managed.domains": [1, 100] }, defaults: { type: "MANAGED" } }),
  [SECURITY_POLICY]: globalCompute("securityPolicies", {
    immutable: "type",
    enums: {
      type: ["CLOUD_ARMOR", "CLOUD_ARMOR_EDGE", "CLOUD_ARMOR_INTERNAL_SERVICE"],
      "adaptiveProtectionConfig.layer7DdosDefenseConfig.ruleVisibility": ["STANDARD", "PREMIUM"],
      "advancedOptionsConfig.jsonParsing": ["DISABLED", "STANDARD", "STANDARD_WITH_GRAPHQL"],
      "advancedOptionsConfig.logLevel": ["NORMAL", "VERBOSE"],
      "rules[].rateLimitOptions.conformAction": ["allow"],
      "rules[].rateLimitOptions.exceedAction": ["redirect", "deny(403)", "deny(404)", "deny(429)", "deny(502)"],
      "rules[].rateLimitOptions.exceedRedirectOptions.type": CHALLENGES,
      "rules[].redirectOptions.type": CHALLENGES,
      ...Object.fromEntries(["requestCookies", "requestHeaders", "requestQueryParams", "requestUris"].map((part) => [`${EXCLUSIONS}.${part}[].operator`, MATCH_OPERATORS])),
    },
    items: { "rules[].match.config.srcIpRanges": [1, 10] },
    defaults: { "rules[].description": "" },
    fractions: "adaptiveProtectionConfig",
  }),
  [CERTIFICATE]: {
    id: "projects/{project}/locations/{location}/certificates/{name}",
    autonameMax: 63,
    immutable: "location managed name project scope",
    mutable: "managed.authorizationAttemptInfos managed.provisioningIssues managed.state",
    exactlyOne: ["managed selfManaged", "selfManaged.certificatePem selfManaged.pemCertificate", "selfManaged.pemPrivateKey selfManaged.privateKeyPem selfManaged.pemPrivateKeyWo"],
    defaults: { location: "global", scope: "DEFAULT" },
    references: { "managed.dnsAuthorizations[]": DNS_AUTHORIZATION },
  },
  [CERTIFICATE_MAP]: { id: "projects/{project}/locations/global/certificateMaps/{name}", autonameMax: 63, immutable: "name project" },
  "gcp:certificatemanager/certificateMapEntry:CertificateMapEntry": {
    id: "projects/{project}/locations/global/certificateMaps/{map:last}/certificateMapEntries/{name}",
    autonameMax: 63,
    immutable: "hostname map matcher name project",
    exactlyOne: ["hostname matcher"],
    references: { map: CERTIFICATE_MAP, "certificates[]": CERTIFICATE },
  },
  [DNS_AUTHORIZATION]: { id: "projects/{project}/locations/{location}/dnsAuthorizations/{name}", autonameMax: 63, immutable: "domain location name project type", defaults: { location: "global" } },
  [MANAGED_ZONE]: {
    id: "projects/{project}/managedZones/{name}",
    autonameMax: 63,
    immutable: "dnsName name project reverseLookup serviceDirectoryConfig visibility",
    mutable: "serviceDirectoryConfig.namespace",
    patterns: { dnsName: /\.$/ },
    defaults: { description: "Managed by Pulumi", visibility: "public", forceDestroy: false },
    references: { "privateVisibilityConfig.networks[].networkUrl": "gcp:compute/network:Network" },
  },
  "gcp:dns/policy:Policy": {
    id: "projects/{project}/policies/{name}",
    autonameMax: 63,
    immutable: "name project",
    defaults: { description: "Managed by Pulumi" },
    references: { "networks[].networkUrl": "gcp:compute/network:Network" },
  },
  "gcp:dns/recordSet:RecordSet": {
    id: "projects/{project}/managedZones/{managedZone}/rrsets/{name}/{type}",
    immutable: "managedZone name project routingPolicy.healthCheck",
    exactlyOne: ["rrdatas routingPolicy", "routingPolicy.wrrs routingPolicy.geos routingPolicy.primaryBackup"],
    conflicts: ["routingPolicy.enableGeoFencing routingPolicy.wrrs", "routingPolicy.enableGeoFencing routingPolicy.primaryBackup"],
    patterns: { name: /\.$/ },
    fractions: "routingPolicy",
    references: { managedZone: MANAGED_ZONE },
  },
};

import type { PackageFacts } from "../../resource-facts";
import { globalCompute, regionalCompute } from "./forms";

const NETWORK = "gcp:compute/network:Network";
const SUBNETWORK = "gcp:compute/subnetwork:Subnetwork";

/** Networks and what leads in and out of them. */
export const networkFacts: PackageFacts = {
  [NETWORK]: globalCompute("networks", {
    immutable: "autoCreateSubnetworks description internalIpv6Range networkProfile params",
    defaults: { autoCreateSubnetworks: true, deleteDefaultRoutesOnCreate: false, networkFirewallPolicyEnforcementOrder: "AFTER_CLASSIC_FIREWALL" },
  }),
  [SUBNETWORK]: regionalCompute("subnetworks", {
    immutable: "description externalIpv6Prefix internalIpv6Prefix network params reservedInternalRange resolveSubnetMask",
    defaults: { "logConfig.aggregationInterval": "INTERVAL_5_SEC", "logConfig.flowSampling": 0.5, "logConfig.metadata": "INCLUDE_ALL_METADATA", "logConfig.filterExpr": "true" },
    ranges: { "logConfig.flowSampling": [0, 1] },
    fractions: "logConfig.flowSampling",
    references: { network: NETWORK },
  }),
  "gcp:compute/globalAddress:GlobalAddress": globalCompute("addresses", {
    immutable: "address addressType description ipVersion network prefixLength purpose",
    defaults: { addressType: "EXTERNAL" },
    ranges: { prefixLength: [8, 29] },
    references: { network: NETWORK },
  }),
  "gcp:compute/address:Address": regionalCompute("addresses", {
    immutable: "address addressType description ipCollection ipVersion ipv6EndpointType network networkTier prefixLength purpose subnetwork",
    defaults: { addressType: "EXTERNAL" },
    patterns: { name: /^(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)$/ },
    references: { network: NETWORK, subnetwork: SUBNETWORK },
  }),
  "gcp:compute/firewall:Firewall": globalCompute("firewalls", {
    immutable: "direction",
    exactlyOne: ["allows denies"],
    conflicts: ["sourceServiceAccounts sourceTags", "sourceServiceAccounts targetTags", "targetServiceAccounts sourceTags", "targetServiceAccounts targetTags"],
    ranges: { priority: [0, 65535] },
    items: { sourceServiceAccounts: [0, 10], targetServiceAccounts: [0, 10] },
    defaults: { priority: 1000 },
    references: { network: NETWORK },
  }),
  "gcp:compute/router:Router": regionalCompute("routers", {
    immutable: "encryptedInterconnectRouter nccGateway network",
    conflicts: ["network nccGateway"],
    defaults: { "bgp.advertiseMode": "DEFAULT", "bgp.keepaliveInterval": 20 },
    references: { network: NETWORK },
  }),
  "gcp:compute/routerNat:RouterNat": {
    id: "{project}/{region}/{router}/{name}",
    autonameMax: 63,
    immutable: "endpointTypes initialNatIps name project region router type",
    conflicts: ["initialNatIps natIps", "initialNatIps drainNatIps"],
    ranges: { "rules[].ruleNumber": [0, 65000] },
    items: { endpointTypes: [1, 100], "subnetworks[].sourceIpRangesToNats": [1, 100] },
    defaults: { type: "PUBLIC", icmpIdleTimeoutSec: 30, tcpEstablishedIdleTimeoutSec: 1200, tcpTimeWaitTimeoutSec: 120, tcpTransitoryIdleTimeoutSec: 30, udpIdleTimeoutSec: 30 },
    references: { router: "gcp:compute/router:Router", "natIps[]": "gcp:compute/address:Address", "subnetworks[].name": SUBNETWORK },
  },
  "gcp:servicenetworking/connection:Connection": {
    id: "{network}:{service}",
    immutable: "network service",
    references: { network: NETWORK, "reservedPeeringRanges[]": "gcp:compute/globalAddress:GlobalAddress" },
  },
  "gcp:vpcaccess/connector:Connector": {
    id: "projects/{project}/locations/{region}/connectors/{name}",
    autonameMax: 25,
    immutable: "ipCidrRange maxThroughput minThroughput name network project region subnet",
    conflicts: ["maxInstances maxThroughput", "minInstances minThroughput"],
    ranges: { minThroughput: [200, 1000], maxThroughput: [200, 1000], minInstances: [2, 9], maxInstances: [3, 10] },
    patterns: { name: /^[a-z][-a-z0-9]{0,23}[a-z0-9]$/ },
    defaults: { machineType: "e2-micro" },
    references: { network: NETWORK, "subnet.name": SUBNETWORK },
  },
};

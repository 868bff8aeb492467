import type { ConnectorArgs } from "@pulumi/gcp/vpcaccess/connector";

import { isGiven, resourceRule } from "../../rule";

export const connectorExplicitSizes = resourceRule<ConnectorArgs>({
  name: "connector-explicit-sizes",
  description: "A connector's size is written out, in instances: it never gives one back.",
  severity: "medium",
  controls: [],
  remediation: "minInstances: 2 and maxInstances: 4, without minThroughput and maxThroughput",
  types: ["gcp:vpcaccess/connector:Connector"],
  check(props, report) {
    if (!isGiven(props, "minInstances") || !isGiven(props, "maxInstances")) report("minInstances or maxInstances is left to its default");
    if (isGiven(props, "minThroughput") || isGiven(props, "maxThroughput")) report("it is sized by throughput, which excludes instances");
  },
});

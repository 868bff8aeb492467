import { isGiven, stackRule } from "../../rule";

export const edgeUsesTlsPolicy = stackRule({
  name: "edge-uses-tls-policy",
  description: "Every HTTPS proxy has a TLS policy: without one, old browsers' TLS is accepted.",
  severity: "high",
  controls: ["CIS 3.9"],
  remediation: "sslPolicy: a gcp.compute.SSLPolicy",
  types: ["gcp:compute/targetHttpsProxy:TargetHttpsProxy"],
  check(resources, report) {
    for (const { name, props } of resources) if (!isGiven(props, "sslPolicy")) report(`${name} has no TLS policy`);
  },
});

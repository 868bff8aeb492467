import type { SecretArgs } from "@pulumi/gcp/secretmanager/secret";

import { resourceRule } from "../../rule";

export const secretLabels = resourceRule<SecretArgs>({
  name: "secret-labels",
  description: "A secret says whose it is.",
  severity: "low",
  controls: [],
  remediation: "labels: { \"bulkhead-stack\": \u2026 }",
  types: ["gcp:secretmanager/secret:Secret"],
  check(props, report) {
    if (props.labels?.["bulkhead-stack"] === undefined) report("it has no label bulkhead-stack");
  },
});

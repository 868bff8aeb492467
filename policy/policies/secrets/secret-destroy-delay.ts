import type { SecretArgs } from "@pulumi/gcp/secretmanager/secret";

import { isGiven, resourceRule } from "../../rule";

export const secretDestroyDelay = resourceRule<SecretArgs>({
  name: "secret-destroy-delay",
  description: "A version that is destroyed by mistake can be called back for a while.",
  severity: "medium",
  controls: [],
  remediation: "versionDestroyTtl: \"2592000s\"",
  types: ["gcp:secretmanager/secret:Secret"],
  check(props, report) {
    if (!isGiven(props, "versionDestroyTtl")) report("a destroyed version is gone at once");
  },
});

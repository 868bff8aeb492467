import type { SecretArgs } from "@pulumi/gcp/secretmanager/secret";

import { resourceRule } from "../../rule";

export const secretDeletionProtection = resourceRule<SecretArgs>({
  name: "secret-deletion-protection",
  description: "A secret is not deleted by mistake.",
  severity: "high",
  controls: [],
  remediation: "deletionProtection: true",
  types: ["gcp:secretmanager/secret:Secret"],
  check({ deletionProtection }, report) {
    if (deletionProtection !== true) report("deletionProtection is off");
  },
});

import type { SecretVersionArgs } from "@pulumi/gcp/secretmanager/secretVersion";

import { isGiven, resourceRule } from "../../rule";

export const secretNoValueInState = resourceRule<SecretVersionArgs>({
  name: "secret-no-value-in-state",
  description: "No secret's value is in Pulumi's state: the setup writes it.",
  severity: "high",
  controls: [],
  remediation: "leave the version to the setup, or use secretDataWo, which is not recorded",
  types: ["gcp:secretmanager/secretVersion:SecretVersion"],
  check(props, report) {
    if (isGiven(props, "secretData")) report("its value is recorded in the state");
  },
});

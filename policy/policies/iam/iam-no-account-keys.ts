import type { KeyArgs } from "@pulumi/gcp/serviceaccount/key";

import { resourceRule } from "../../rule";

export const iamNoAccountKeys = resourceRule<KeyArgs>({
  name: "iam-no-account-keys",
  description: "A service account has no keys: what runs in Google Cloud needs none, and what runs elsewhere uses workload identity federation.",
  severity: "high",
  controls: ["CIS 1.4", "CKV2_GCP_3", "KICS service_has_non_gcp_managed_service_account_keys"],
  remediation: "remove the key",
  types: ["gcp:serviceaccount/key:Key"],
  check({ serviceAccountId }, report) {
    report(`${serviceAccountId} has a key`);
  },
});

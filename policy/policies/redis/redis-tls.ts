import type { InstanceArgs } from "@pulumi/gcp/redis/instance";

import { resourceRule } from "../../rule";

export const redisTls = resourceRule<InstanceArgs>({
  name: "redis-tls",
  description: "Memorystore speaks TLS only.",
  severity: "high",
  controls: ["CKV_GCP_97"],
  remediation: "transitEncryptionMode: \"SERVER_AUTHENTICATION\"",
  types: ["gcp:redis/instance:Instance"],
  check({ transitEncryptionMode }, report) {
    if (transitEncryptionMode !== "SERVER_AUTHENTICATION") report(`transitEncryptionMode is ${transitEncryptionMode ?? "not set"}`);
  },
});

import type { SSLPolicyArgs } from "@pulumi/gcp/compute/sslpolicy";

import { resourceRule } from "../../rule";

export const edgeTlsPolicy = resourceRule<SSLPolicyArgs>({
  name: "edge-tls-policy",
  description: "Browsers speak TLS 1.2 or newer, with strong ciphers.",
  severity: "high",
  controls: ["CIS 3.9", "CKV_GCP_4"],
  remediation: "minTlsVersion: \"TLS_1_2\" and profile: \"MODERN\" or \"RESTRICTED\"",
  types: ["gcp:compute/sSLPolicy:SSLPolicy"],
  check({ minTlsVersion, profile }, report) {
    if (minTlsVersion !== "TLS_1_2" && minTlsVersion !== "TLS_1_3") report(`TLS begins at ${minTlsVersion ?? "1.0"}`);
    if (profile !== "MODERN" && profile !== "RESTRICTED") report(`the ciphers are those of ${profile ?? "COMPATIBLE"}`);
  },
});

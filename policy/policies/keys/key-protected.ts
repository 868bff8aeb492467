import type { CryptoKeyArgs } from "@pulumi/gcp/kms/cryptoKey";

import { resourceRule } from "../../rule";

export const keyProtected = resourceRule<CryptoKeyArgs>({
  name: "key-protected",
  description: "A key is not destroyed by mistake: what it encrypted would be lost for good.",
  severity: "critical",
  controls: ["CKV_GCP_82"],
  remediation: "the option protect: true (bulkhead:deletionProtection: true)",
  types: ["gcp:kms/cryptoKey:CryptoKey"],
  check(_props, report, { protect }) {
    if (!protect) report("nothing protects it");
  },
});

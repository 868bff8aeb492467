import type { CryptoKeyArgs } from "@pulumi/gcp/kms/cryptoKey";

import { resourceRule } from "../../rule";

/** 90 days. */
const LONGEST_S = 90 * 86_400;

export const keyRotation = resourceRule<CryptoKeyArgs>({
  name: "key-rotation",
  description: "A key is rotated every 90 days or sooner.",
  severity: "high",
  controls: ["CIS 1.10", "CKV_GCP_43", "AVD-GCP-0065", "KICS high_google_kms_crypto_key_rotation_period"],
  remediation: "rotationPeriod: \"7776000s\"",
  types: ["gcp:kms/cryptoKey:CryptoKey"],
  check({ purpose = "ENCRYPT_DECRYPT", rotationPeriod }, report) {
    if (purpose === "ENCRYPT_DECRYPT" && !(Number.parseInt(rotationPeriod ?? "", 10) <= LONGEST_S)) report(`it is rotated ${rotationPeriod === undefined ? "never" : `every ${rotationPeriod}`}`);
  },
});

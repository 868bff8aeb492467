import { isGiven } from "../../rule";
import { primaryRule } from "./instance";

export const sqlCustomerManagedKey = primaryRule({
  name: "sql-customer-managed-key",
  description: "Data on disk is encrypted with a key of one's own.",
  severity: "medium",
  controls: ["prowler cloudsql_instance_cmek_encryption_enabled"],
  remediation: "encryptionKeyName: a key in Cloud KMS (bulkhead:encryption.customerManagedKeys: true)",
  optional: true,
  check(props, report) {
    if (!isGiven(props, "encryptionKeyName")) report("the key is Google's");
  },
});

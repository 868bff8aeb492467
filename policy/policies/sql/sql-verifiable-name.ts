import { instanceRule } from "./instance";

export const sqlVerifiableName = instanceRule({
  name: "sql-verifiable-name",
  description: "The server's certificate carries a DNS name, without which no client can verify it in full (verify-full).",
  severity: "high",
  controls: [],
  remediation: "settings.ipConfiguration.serverCaMode: \"GOOGLE_MANAGED_CAS_CA\" or \"CUSTOMER_MANAGED_CAS_CA\"",
  check({ settings }, report) {
    const mode = settings?.ipConfiguration?.serverCaMode;
    if (mode !== "GOOGLE_MANAGED_CAS_CA" && mode !== "CUSTOMER_MANAGED_CAS_CA") report(`serverCaMode is ${mode ?? "not set"}`);
  },
});

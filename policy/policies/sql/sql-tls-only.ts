import { instanceRule } from "./instance";

export const sqlTlsOnly = instanceRule({
  name: "sql-tls-only",
  description: "Cloud SQL refuses connections without TLS.",
  severity: "high",
  controls: ["CIS 6.4", "AVD-GCP-0015", "prowler cloudsql_instance_ssl_connections"],
  remediation: "settings.ipConfiguration.sslMode: \"ENCRYPTED_ONLY\", or \"TRUSTED_CLIENT_CERTIFICATE_REQUIRED\"",
  check({ settings }, report) {
    const mode = settings?.ipConfiguration?.sslMode;
    if (mode !== "ENCRYPTED_ONLY" && mode !== "TRUSTED_CLIENT_CERTIFICATE_REQUIRED") report(`sslMode is ${mode ?? "not set"}`);
  },
});

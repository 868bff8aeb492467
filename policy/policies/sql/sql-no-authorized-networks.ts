import { instanceRule } from "./instance";

export const sqlNoAuthorizedNetworks = instanceRule({
  name: "sql-no-authorized-networks",
  description: "Nobody is let in by a public address: people come through the VPC.",
  severity: "critical",
  controls: ["CIS 6.5", "CKV_GCP_11", "AVD-GCP-0017", "prowler cloudsql_instance_public_access"],
  remediation: "settings.ipConfiguration.authorizedNetworks: none",
  check({ settings }, report) {
    const networks = settings?.ipConfiguration?.authorizedNetworks?.length ?? 0;
    if (networks > 0) report(`${networks} public range${networks === 1 ? " is" : "s are"} authorized`);
  },
});

import type { ProjectArgs } from "@pulumi/gcp/organizations/project";

import { resourceRule } from "../../rule";

export const projectNoDefaultNetwork = resourceRule<ProjectArgs>({
  name: "project-no-default-network",
  description: "A project has no default network.",
  severity: "high",
  controls: ["CIS 3.1", "CKV_GCP_27", "AVD-GCP-0010", "KICS google_project_auto_create_network_disabled"],
  remediation: "autoCreateNetwork: false",
  types: ["gcp:organizations/project:Project"],
  check({ autoCreateNetwork }, report) {
    if (autoCreateNetwork !== false) report("the default network, with its open firewall, is made");
  },
});

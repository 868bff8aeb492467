import type { IAMAuditConfigArgs } from "@pulumi/gcp/projects/iamauditConfig";

import { stackRule } from "../../rule";
import type { Props } from "../../rule";
import { DATABASE_INSTANCE } from "../sql/instance";

const AUDIT_CONFIG = "gcp:projects/iAMAuditConfig:IAMAuditConfig";

export const auditAllServices = stackRule({
  name: "audit-all-services",
  description: "Reads, writes and administration are logged for all services, for everybody.",
  severity: "medium",
  controls: ["CIS 2.1", "CKV2_GCP_5", "AVD-GCP-0079", "KICS iam_audit_not_properly_configured"],
  remediation: "a gcp.projects.IAMAuditConfig with service: \"allServices\" and the log types ADMIN_READ, DATA_READ and DATA_WRITE, without exemptedMembers",
  // A stack with a database needs one, hence the second.
  types: [AUDIT_CONFIG, DATABASE_INSTANCE],
  check(resources, report) {
    const configs = resources.filter(({ type }) => type === AUDIT_CONFIG).map(({ props }) => props as unknown as Props<IAMAuditConfigArgs>);
    const all = configs.filter(({ service }) => service === "allServices").flatMap(({ auditLogConfigs }) => auditLogConfigs);
    for (const type of ["ADMIN_READ", "DATA_READ", "DATA_WRITE"]) if (!all.some(({ logType }) => logType === type)) report(`${type} is not logged for all services`);
    for (const member of all.flatMap(({ exemptedMembers }) => exemptedMembers ?? [])) report(`${member} is exempt`);
  },
});

import { IAMAuditConfig } from "@pulumi/gcp/projects/iamauditConfig";
import type { CustomResourceOptions } from "@pulumi/pulumi";

/**
 * Data access logs for every API of the project, nobody exempted (CIS 2.1): who read which secret, who changed which database. Off in a new project,
 * apart from changes of configuration, which are always logged.
 *
 * They are the largest part of a quiet project's log bill: logs beyond the free 50 GiB a month cost about 0.50 USD a GiB; exclude what nobody reads
 * in the sink, not here. The setting is the project's, not the stack's: two stacks of one project declare the same, and a stack that is destroyed
 * leaves it in place.
 */
export function auditLogs(name: string, project: string, options?: CustomResourceOptions): IAMAuditConfig {
  return new IAMAuditConfig(
    name,
    { project, service: "allServices", auditLogConfigs: [{ logType: "ADMIN_READ" }, { logType: "DATA_READ" }, { logType: "DATA_WRITE" }] },
    { retainOnDelete: true, ...options },
  );
}

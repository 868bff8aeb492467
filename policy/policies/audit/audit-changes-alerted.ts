import type { MetricArgs } from "@pulumi/gcp/logging/metric";
import type { AlertPolicyArgs } from "@pulumi/gcp/monitoring/alertPolicy";

import { stackRule } from "../../rule";
import type { Props } from "../../rule";
import { DATABASE_INSTANCE } from "../sql/instance";

/** Methods of Google's APIs whose calls somebody has to hear of. */
const CHANGES: Readonly<Record<string, string>> = {
  "Cloud SQL instances": "cloudsql.instances.update",
  networks: "compute.networks.",
  "firewall rules": "compute.firewalls.",
  routes: "compute.routes.",
};

export const auditChangesAlerted = stackRule({
  name: "audit-changes-alerted",
  description: "Changes of the database's configuration, networks, firewall rules and routes are counted in the logs, and there are alerts.",
  severity: "low",
  controls: ["CIS 2.7", "CIS 2.8", "CIS 2.9", "CIS 2.11"],
  remediation: "a gcp.logging.Metric whose filter names the method, and a gcp.monitoring.AlertPolicy",
  types: ["gcp:logging/metric:Metric", "gcp:monitoring/alertPolicy:AlertPolicy", DATABASE_INSTANCE],
  check(resources, report) {
    const filters = resources.filter(({ type }) => type.endsWith(":Metric")).map(({ props }) => (props as unknown as Props<MetricArgs>).filter);
    for (const [what, method] of Object.entries(CHANGES)) if (!filters.some((filter) => filter.includes(method))) report(`changes of ${what} are not counted`);
    const alerts = resources.filter(({ type, props }) => type.endsWith(":AlertPolicy") && (props as unknown as Props<AlertPolicyArgs>).enabled !== false);
    if (alerts.length === 0) report("there is no alert");
  },
});

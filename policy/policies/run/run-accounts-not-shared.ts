import type { ServiceArgs } from "@pulumi/gcp/cloudrunv2/service";

import { stackRule } from "../../rule";
import type { Props } from "../../rule";

export const runAccountsNotShared = stackRule({
  name: "run-accounts-not-shared",
  description: "No two Cloud Run services run as the same account: each would read the other's secrets.",
  severity: "high",
  controls: [],
  remediation: "template.serviceAccount: one account a service",
  types: ["gcp:cloudrunv2/service:Service"],
  check(resources, report) {
    const users = new Map<string, string[]>();
    for (const { name, props } of resources) {
      const account = (props as unknown as Props<ServiceArgs>).template.serviceAccount;
      if (account !== undefined) users.set(account, [...(users.get(account) ?? []), name]);
    }
    for (const [account, names] of users) if (names.length > 1) report(`${names.join(" and ")} run as ${account}`);
  },
});

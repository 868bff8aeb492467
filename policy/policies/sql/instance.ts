import type { DatabaseInstanceArgs } from "@pulumi/gcp/sql/databaseInstance";

import { isGiven, resourceRule } from "../../rule";
import type { Props, ResourceRule } from "../../rule";

export const DATABASE_INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance";

type InstanceProps = Props<DatabaseInstanceArgs>;
type InstanceRule = Pick<ResourceRule, "name" | "description" | "severity" | "controls" | "remediation" | "optional"> & { check(props: InstanceProps, report: (what: string) => void): void };

/** A rule about Cloud SQL instances, read replicas among them. */
export function instanceRule(rule: InstanceRule): ResourceRule {
  return resourceRule<DatabaseInstanceArgs>({ ...rule, types: [DATABASE_INSTANCE] });
}

/** A rule about primaries: a replica has neither backups nor a standby of its own. */
export function primaryRule(rule: InstanceRule): ResourceRule {
  return instanceRule({ ...rule, check: (props, report) => (isGiven(props, "masterInstanceName") ? undefined : rule.check(props, report)) });
}

/** Value of a database flag; undefined where it is not set. */
export function flagOf({ settings }: InstanceProps, name: string): string | undefined {
  return settings?.databaseFlags?.find((flag) => flag.name === name)?.value;
}

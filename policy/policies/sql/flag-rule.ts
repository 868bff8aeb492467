import type { ResourceRule } from "../../rule";
import { flagOf, instanceRule } from "./instance";

/** A rule that a database flag has one of some values, written out: a default can change with the major version. */
export function flagRule({ flag, values, ...rule }: Pick<ResourceRule, "name" | "description" | "severity" | "controls"> & { readonly flag: string; readonly values: readonly [string, ...string[]] }): ResourceRule {
  return instanceRule({
    ...rule,
    remediation: `settings.databaseFlags: { name: "${flag}", value: "${values[0]}" }`,
    check(props, report) {
      const value = flagOf(props, flag);
      if (value === undefined || !values.includes(value)) report(`the flag ${flag} is ${value === undefined ? "not set" : `"${value}"`}`);
    },
  });
}

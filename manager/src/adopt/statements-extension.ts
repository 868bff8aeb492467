import type { TierPlan } from "../plan/plan";
import type { FoundContents } from "./observed";

export const STATEMENTS_EXTENSION = "pg_stat_statements";

/** Whether the extension is where it shall be, with what the admin needs to hand on a service's own statements. */
export function isStatementsExtensionMade({ tier: { admin } }: TierPlan, { extensions, privileges }: Pick<FoundContents, "extensions" | "privileges">): boolean {
  const extension = extensions.find(({ name }) => name === STATEMENTS_EXTENSION);
  if (extension?.schema !== "extensions" || (extension.newest !== null && extension.newest !== extension.version)) return false;
  const mayHandOn = (prefix: string, privilege: string): boolean =>
    privileges.extensionGrants.some(({ target, owner, privileges: granted }) => target.startsWith(prefix) && (owner === admin || granted.some((entry) => entry.grantee === admin && entry.privilege === privilege && entry.grantable)));
  return mayHandOn("SCHEMA extensions", "USAGE") && mayHandOn("SCHEMA extensions", "CREATE") && mayHandOn("ROUTINE extensions.pg_stat_statements(", "EXECUTE");
}

import { stackRule } from "../../rule";
import { ANY_GRANT, grantsOf } from "./members";

/** The role that administers, and those that use. */
const PAIRS: readonly (readonly [string, RegExp])[] = [
  ["roles/iam.serviceAccountAdmin", /^roles\/iam\.serviceAccountUser$/],
  ["roles/cloudkms.admin", /^roles\/cloudkms\.cryptoKey/],
];

export const iamSeparateDuties = stackRule({
  name: "iam-separate-duties",
  description: "Who administers service accounts or keys does not use them as well.",
  severity: "medium",
  controls: ["CIS 1.8", "CIS 1.11", "KICS kms_admin_and_crypto_key_roles_in_use"],
  remediation: "grant the two roles to different members",
  types: ANY_GRANT,
  check(resources, report) {
    const roles = new Map<string, Set<string>>();
    for (const { role, member } of resources.flatMap(grantsOf)) roles.set(member, (roles.get(member) ?? new Set()).add(role));
    for (const [member, held] of roles) {
      for (const [admin, use] of PAIRS) if (held.has(admin) && [...held].some((role) => use.test(role))) report(`${member} has ${admin} and uses what it administers`);
    }
  },
});

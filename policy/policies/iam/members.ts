import { isGiven, resourceRule } from "../../rule";
import type { Declared, ResourceRule } from "../../rule";

/** Tokens of what grants: members, bindings and whole policies of any resource. */
export const ANY_GRANT = /:\w*(IamMember|IAMMember|IamBinding|IAMBinding|IamPolicy|IAMPolicy)$/;

/** Tokens of grants for a whole project, folder or organization. */
export const PROJECT_GRANT = /^gcp:(projects|folder|organizations)\/iAM(Member|Binding|Policy):/;

/** Who is granted what by a resource. In a preview either may be unknown, and is read only when it is asked for. */
export interface Grant {
  readonly role: string;
  readonly member: string;
}

const PUBLIC: readonly string[] = ["allUsers", "allAuthenticatedUsers"];

/** What a member, a binding or a policy grants. */
export function grantsOf({ props }: Declared): Grant[] {
  const granted = props as { role?: string; member?: string; members?: readonly string[]; policyData?: string };
  if (isGiven(granted, "policyData")) return bindingsIn(granted.policyData!).flatMap(({ role = "", members = [] }) => members.map((member) => ({ role, member })));
  const role = granted.role ?? "";
  if (!isGiven(granted, "member")) return (granted.members ?? []).map((member) => ({ role, member }));
  return [
    {
      role,
      get member() {
        return granted.member!;
      },
    },
  ];
}

function bindingsIn(policyData: string): { role?: string; members?: readonly string[] }[] {
  return (JSON.parse(policyData) as { bindings?: { role?: string; members?: readonly string[] }[] }).bindings ?? [];
}

type GrantRule = Pick<ResourceRule, "name" | "description" | "severity" | "controls" | "remediation" | "types">;

/** A rule about each grant by itself; `finding` returns what is wrong with it, or null, and asks for the role first, which is rarely unknown. */
export function grantRule({ finding, ...rule }: GrantRule & { readonly finding: (grant: Grant) => string | null }): ResourceRule {
  return resourceRule({
    ...rule,
    check(_props, report, resource) {
      for (const grant of grantsOf(resource)) {
        const what = finding(grant);
        if (what !== null) report(what);
      }
    },
  });
}

/** A rule that grants of some types are for somebody, not for everybody. */
export function notPublicRule(rule: Omit<GrantRule, "remediation">): ResourceRule {
  return grantRule({ ...rule, remediation: "member: a service account or a group, never allUsers or allAuthenticatedUsers", finding: (grant) => (PUBLIC.includes(grant.member) ? `${grant.role} is granted to ${grant.member}` : null) });
}

/** Whether a member is one of the accounts that Google makes with a project, which everything in it may use. */
export function isDefaultAccount(member: string): boolean {
  return /(^|:)\d+-compute@developer\.gserviceaccount\.com$|@appspot\.gserviceaccount\.com$/.test(member);
}

/** Whether a member is a service account that people make or use, as opposed to a person, a group or an agent of Google's. */
export function isOwnServiceAccount(member: string): boolean {
  return isDefaultAccount(member) || /^serviceAccount:(?!service-\d+@)[^@]+@(?!gcp-sa-)[a-z0-9.:-]+\.iam\.gserviceaccount\.com$/.test(member);
}

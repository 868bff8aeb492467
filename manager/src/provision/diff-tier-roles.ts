import type { TierPlan } from "../plan/plan";
import { hasMembershipOptions } from "../plan/postgres-major";
import { quoteIdentifier } from "../postgres/identifier";
import type { Change, ProvisionRule } from "./change";
import { diffMonitorRole, revokeMembership, wrongAttributes } from "./diff-roles";
import { OPERATOR_ROLE } from "./membership-sql";
import type { ObservedCluster } from "./observed";

/** The roles that belong to no compartment, once per tier. Pure. */
export function diffTierRoles(plan: TierPlan, cluster: ObservedCluster): Change[] {
  return [...(hasMembershipOptions(plan.tier) ? [] : diffOperatorRole(plan, cluster)), ...diffMonitorRole(plan, cluster)];
}

/** Before version 16: what the admin acts through. Whoever else were a member of it could act as every owner. */
function diffOperatorRole({ tier, compartments }: TierPlan, { roles, memberships }: ObservedCluster): Change[] {
  const operator = quoteIdentifier(OPERATOR_ROLE);
  const change = (rule: ProvisionRule, finding: string, ...sql: string[]): Change => ({ rule, service: "tier", database: null, finding, statements: sql.map((text) => ({ sql: text })) });
  const letAdminIn = `GRANT ${operator} TO ${quoteIdentifier(tier.admin)}`;
  const role = roles.find(({ name }) => name === OPERATOR_ROLE);
  if (role === undefined) return [change("role-exists", `role ${OPERATOR_ROLE} does not exist`, `CREATE ROLE ${operator} NOLOGIN NOINHERIT`, letAdminIn)];
  const wrong = wrongAttributes(role, { login: false, inherit: false });
  const planned = new Set(compartments.flatMap(({ roleSpecs }) => roleSpecs.map(({ name }) => name)));
  const members = memberships.filter((membership) => membership.role === OPERATOR_ROLE);
  return [
    ...(wrong.length > 0 ? [{ ...change("role-attributes", `role ${OPERATOR_ROLE} should be ${wrong.join(" ")}`, `ALTER ROLE ${operator} ${wrong.join(" ")}`), ...(role.superuser ? { manual: true as const } : {}) }] : []),
    ...(members.some(({ member }) => member === tier.admin) ? [] : [change("role-membership", `the admin is no member of ${OPERATOR_ROLE}`, letAdminIn)]),
    // Those of the plan's roles are each compartment's to mend.
    ...members.filter(({ member }) => member !== tier.admin && !planned.has(member)).map((membership) => revokeMembership(tier, "tier", membership)),
  ];
}

import type { Membership, TierFacts } from "../plan/plan";
import { hasMembershipOptions } from "../plan/postgres-major";
import { quoteIdentifier } from "../postgres/identifier";
import type { ObservedCluster } from "./observed";

/**
 * Before version 16: NOLOGIN NOINHERIT role between the admin and the roles that it acts as. The admin is its member, it is a member of them; so the admin may SET ROLE to
 * them and inherits nothing, since rights do not pass through a role that does not inherit. From 16 on the memberships themselves say so, and this role is not made.
 */
export const OPERATOR_ROLE = "bulkhead_operator";

/** Makes a planned membership, or gives an existing one the planned options. ADMIN OPTION is not among them: before 16 this leaves one that is there. */
export function grantMembership(tier: TierFacts, member: string, { role, inherit, set }: Membership): string {
  const grant = `GRANT ${quoteIdentifier(role)} TO ${quoteIdentifier(member)}`;
  return hasMembershipOptions(tier) ? `${grant} WITH ADMIN FALSE, INHERIT ${sqlBoolean(inherit)}, SET ${sqlBoolean(set)}` : grant;
}

/**
 * Creates a role that its creator may SET ROLE to. From 16 on a GRANT after it would do the same, but takes as long as ten of these on a tier of some
 * hundred roles, since it makes Postgres look up all memberships of the admin again.
 */
export function createActableRole(tier: TierFacts, role: string, create: string): string[] {
  return hasMembershipOptions(tier) ? ["SET createrole_self_grant = 'set'", create, "RESET createrole_self_grant"] : [create, actAs(tier, role)];
}

/** Lets the admin act as a role by SET ROLE, and inherit nothing from it. */
export function actAs(tier: TierFacts, role: string): string {
  return `GRANT ${quoteIdentifier(role)}${toActor(tier)}`;
}

/** Takes back what `actAs` gave. */
export function actAsNoMore(tier: TierFacts, role: string): string {
  return `REVOKE ${quoteIdentifier(role)} FROM ${quoteIdentifier(actor(tier))}`;
}

/** Whether a statement is one of `actAs`. */
export function letsAdminAct(tier: TierFacts, sql: string): boolean {
  return sql.startsWith("GRANT ") && sql.endsWith(toActor(tier));
}

export function adminCanBecome(tier: TierFacts, role: string, { memberships }: Pick<ObservedCluster, "memberships">): boolean {
  return memberships.some((membership) => membership.role === role && membership.member === actor(tier) && membership.set);
}

/** Gives the admin all rights of a role without SET ROLE, for the length of a transaction. */
export function borrowRights(tier: TierFacts, role: string): string {
  return `GRANT ${quoteIdentifier(role)} TO ${quoteIdentifier(tier.admin)}${hasMembershipOptions(tier) ? " WITH INHERIT TRUE, SET TRUE" : ""}`;
}

/** @param keepActing whether the admin may act as the role by SET ROLE at other times too */
export function returnRights(tier: TierFacts, role: string, keepActing: boolean): string {
  // Before 16 the right to act as it comes another way, and stays.
  return keepActing && hasMembershipOptions(tier) ? actAs(tier, role) : `REVOKE ${quoteIdentifier(role)} FROM ${quoteIdentifier(tier.admin)}`;
}

/** Whose memberships in a compartment's roles are how it is administered. What is left of the operator on a server that was upgraded is nobody's. */
export function administrators(tier: TierFacts): readonly string[] {
  return hasMembershipOptions(tier) ? [tier.admin] : [tier.admin, OPERATOR_ROLE];
}

/** Whose membership in a role lets the admin act as it. */
function actor(tier: TierFacts): string {
  return hasMembershipOptions(tier) ? tier.admin : OPERATOR_ROLE;
}

function toActor(tier: TierFacts): string {
  return ` TO ${quoteIdentifier(actor(tier))}${hasMembershipOptions(tier) ? " WITH INHERIT FALSE, SET TRUE" : ""}`;
}

export function sqlBoolean(value: boolean): string {
  return value ? "TRUE" : "FALSE";
}

import type { CompartmentPlan, TierPlan } from "../plan/plan";
import type { Change } from "./change";
import { describeDifference, diffPrivileges, privilegeSql } from "./diff-privileges";
import type { Grants, PrivilegeDifference } from "./diff-privileges";
import { MONITOR_ROLE } from "./diff-roles";
import type { ObservedDatabaseContents, ObservedExtensionGrants } from "./observed";

/**
 * Who may get at what extensions bring along: `bulkhead_monitor` at pg_stat_statements, and nobody else of the plan at anything. Roles that
 * are not in the plan (a provider's agents) keep what they have. Pure.
 *
 * @param viewIsMade whether `bulkhead.statements` stands; making it grants what it needs
 */
export function diffExtensionGrants(plan: TierPlan, compartment: CompartmentPlan, { extensionGrants }: ObservedDatabaseContents, viewIsMade: boolean): Change[] {
  const { admin } = plan.tier;
  const planned = new Set(["PUBLIC", MONITOR_ROLE, ...plan.compartments.flatMap(({ roleSpecs }) => roleSpecs.map(({ name }) => name))]);
  return extensionGrants.flatMap((object) => {
    const { target, owner, privileges } = object;
    const wanted = wantedGrants(object);
    const { extra, missing } = diffPrivileges(privileges.filter(({ grantee }) => planned.has(grantee)), wanted);
    const change = (difference: PrivilegeDifference, manual: boolean): Change[] => {
      if (difference.extra.length === 0 && difference.missing.length === 0) return [];
      const statements = privilegeSql(difference, wanted, target).map((sql) => ({ sql }));
      return [{ rule: "own-statements", service: compartment.service, database: compartment.database.name, finding: `on ${target} ${describeDifference(difference)}`, statements, ...(manual && { manual: true as const }) }];
    };
    const byAdmin = extra.filter(({ grantor }) => grantor === admin);
    // Inside, what the extension's maker left open is behind the closed schema; only a superuser could change it.
    const byOthers = isSchema(object) ? extra.filter(({ grantor }) => grantor !== admin) : [];
    const mayGrant = owner === admin || missing.every(({ privilege }) => privileges.some((entry) => entry.grantee === admin && entry.privilege === privilege && entry.grantable));
    return [...change({ extra: byAdmin, missing: [] }, false), ...change({ extra: byOthers, missing: [] }, true), ...(viewIsMade ? change({ extra: [], missing }, !mayGrant) : [])];
  });
}

function isSchema({ target }: ObservedExtensionGrants): boolean {
  return target.startsWith("SCHEMA ");
}

function wantedGrants(object: ObservedExtensionGrants): Grants {
  if (isSchema(object)) return { [MONITOR_ROLE]: ["USAGE"] };
  return object.target.startsWith("ROUTINE extensions.pg_stat_statements(") ? { [MONITOR_ROLE]: ["EXECUTE"] } : {};
}

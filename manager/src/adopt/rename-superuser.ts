import type { TierPlan } from "../plan/plan";
import { quoteIdentifier } from "../postgres/identifier";
import type { FoundContents, FoundServer } from "./observed";
import type { AdoptionProblem, AdoptionStep } from "./plan";

/** What a superuser is called for whom the stack has no other name. */
const USUAL_SUPERUSER = "postgres";
/** Stands in while the superuser is renamed. */
const STAND_IN = "bulkhead_adopt";

/** The name that the superuser has when all is done: that of a service's role, which cannot be one, gives way. */
export function superuserAfter({ compartments }: TierPlan, superuser: string): string {
  const isRole = compartments.some(({ roleSpecs }) => roleSpecs.some(({ name }) => name === superuser));
  // What else is not in the pattern, a stack's configuration cannot name.
  return isRole || !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(superuser) ? USUAL_SUPERUSER : superuser;
}

/** Comes before all others. A role cannot rename itself, so another superuser, as whom nobody can log in, does it and is gone with the transaction. */
export function planRename(plan: TierPlan, { superuser: from }: FoundServer): AdoptionStep[] {
  const to = superuserAfter(plan, from);
  if (from === to) return [];
  const statements = [
    `CREATE ROLE ${STAND_IN} SUPERUSER NOLOGIN`,
    `SET LOCAL SESSION AUTHORIZATION ${STAND_IN}`,
    `ALTER ROLE ${quoteIdentifier(from)} RENAME TO ${quoteIdentifier(to)}`,
    `SET LOCAL SESSION AUTHORIZATION ${quoteIdentifier(to)}`,
    `DROP ROLE ${STAND_IN}`,
  ];
  return [{ service: "tier", database: null, topic: "roles", what: `the superuser is called ${from}, which a service's role must be called, or which no setting can hold; it is renamed to ${to}`, statements: statements.map((sql) => ({ sql })) }];
}

export function renameProblems(plan: TierPlan, { superuser, roles }: FoundServer): AdoptionProblem[] {
  const to = superuserAfter(plan, superuser);
  if (to === superuser || !roles.some(({ name }) => name === to)) return [];
  return [{ service: null, problem: `the superuser ${superuser} has the name of a service's role and has to be renamed, but there is another role ${to}`, hint: `adopt as that one, if it is a superuser: npx bulkhead adopt --superuser ${to}` }];
}

/** Keys under which the observations have names of roles. */
const ROLE_KEYS = new Set(["superuser", "owner", "grantor", "grantee", "member", "role"]);

/** What would be found after the renaming: all other steps are planned from that. */
export function serverAfterRename(plan: TierPlan, found: FoundServer): FoundServer {
  const { superuser: from } = found;
  const to = superuserAfter(plan, from);
  if (from === to) return found;
  return { ...renameIn(found, from, to), roles: found.roles.map((role) => (role.name === from ? { ...role, name: to } : role)) };
}

export function contentsAfterRename(plan: TierPlan, { superuser: from }: FoundServer, contents: FoundContents): FoundContents {
  const to = superuserAfter(plan, from);
  return from === to ? contents : renameIn(contents, from, to);
}

function renameIn<T>(value: T, from: string, to: string): T {
  if (Array.isArray(value)) return value.map((entry: unknown) => renameIn(entry, from, to)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, ROLE_KEYS.has(key) && entry === from ? to : renameIn(entry as unknown, from, to)])) as T;
}

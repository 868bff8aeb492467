import { defineServices } from "../../../manager/src/catalog/define-services";
import type { TierPlan } from "../../../manager/src/plan/plan";
import { planTier } from "../../../manager/src/plan/plan-tier";
import type { Change } from "../../../manager/src/provision/change";
import { diffDatabase } from "../../../manager/src/provision/diff-database";
import { diffRoles, isNeededByAll } from "../../../manager/src/provision/diff-roles";
import { diffTierRoles } from "../../../manager/src/provision/diff-tier-roles";
import type { ObservedCluster, ObservedMembership, ObservedRole } from "../../../manager/src/provision/observed";

const ADMIN = "bulkhead_admin";
const EMPTY: ObservedCluster = { roles: [], memberships: [], settings: [], databases: [], compartments: [], bookkeeping: false };

function planFor(postgresMajor: number): TierPlan {
  return planTier(defineServices({ auth: { port: 1 } }), { admin: ADMIN, template: "template0", maxConnections: 1000, reservedConnections: 10, postgresMajor });
}

function changesFor(plan: TierPlan, cluster: ObservedCluster): Change[] {
  return [...diffTierRoles(plan, cluster), ...plan.compartments.flatMap((compartment) => diffRoles(plan, compartment, cluster))];
}

const sqlOf = (changes: readonly Change[]): string[] => changes.flatMap(({ statements }) => statements.map(({ sql }) => sql));

/** A server on which everything is as the plan of its version wants it. */
function converged(plan: TierPlan): ObservedCluster {
  const old = plan.tier.postgresMajor === 15;
  const role = (name: string, login: boolean, connectionLimit: number, inherit: boolean): ObservedRole => ({ name, login, superuser: false, createdb: false, createrole: false, inherit, replication: false, bypassrls: false, connectionLimit, validUntil: null });
  const member = (of: string, name: string, inherit: boolean, set: boolean): ObservedMembership => ({ role: of, member: name, grantor: ADMIN, admin: false, inherit, set, revocable: true });
  const { roleSpecs, roles } = plan.compartments[0]!;
  return {
    ...EMPTY,
    roles: [...roleSpecs.map((spec) => role(spec.name, spec.login, spec.connectionLimit, spec.inherit ?? true)), role("bulkhead_monitor", false, -1, true), ...(old ? [role("bulkhead_operator", false, -1, false)] : [])],
    memberships: [
      ...roleSpecs.flatMap((spec) => spec.memberOf.map((wanted) => member(wanted.role, spec.name, wanted.inherit, wanted.set))),
      member("pg_monitor", "bulkhead_monitor", true, true),
      ...[roles.owner, "bulkhead_monitor"].map((name) => member(name, old ? "bulkhead_operator" : ADMIN, false, true)),
      ...(old ? [member("bulkhead_operator", ADMIN, true, true)] : []),
    ],
    settings: roleSpecs.flatMap((spec) => Object.entries(spec.settings).map(([name, value]) => ({ role: spec.name, database: null, name, value }))),
  };
}

/** Words that a version does not know; release notes of PostgreSQL 16 and 17. */
const UNKNOWN_WORDS: Readonly<Record<number, RegExp>> = {
  15: /WITH (ADMIN|INHERIT|SET) (TRUE|FALSE)|INHERIT (TRUE|FALSE)|SET (TRUE|FALSE)|createrole_self_grant|transaction_timeout|GRANTED BY/,
  16: /transaction_timeout|MAINTAIN/,
  17: /(?!)/,
};

// Against real servers: test/integration/provision/postgres-versions.test.ts.
describe.each([15, 16, 17])("roles on PostgreSQL %d", (major) => {
  const plan = planFor(major);
  const [compartment] = plan.compartments;
  const there = converged(plan);

  test("are made in words that the version knows", () => {
    const everything = [...sqlOf(changesFor(plan, EMPTY)), ...sqlOf(diffDatabase(plan, compartment!, EMPTY))];
    expect(everything.length).toBeGreaterThan(20);
    for (const sql of everything) expect(sql).not.toMatch(UNKNOWN_WORDS[major]!);
  });

  test("that are as planned need nothing", () => expect(changesFor(plan, there)).toEqual([]));

  test("let the admin act as owner and monitor before anything else is done", () => {
    const without: ObservedCluster = { ...there, memberships: there.memberships.filter(({ role, member }) => !(["auth_owner", "bulkhead_monitor"].includes(role) && member !== "auth_migrator")) };
    const changes = changesFor(plan, without);
    const to = major < 16 ? ' TO "bulkhead_operator"' : ' TO "bulkhead_admin" WITH INHERIT FALSE, SET TRUE';
    expect(sqlOf(changes)).toEqual([`GRANT "bulkhead_monitor"${to}`, `GRANT "auth_owner"${to}`]);
    for (const change of changes) expect(isNeededByAll(change, plan.tier)).toBe(true);
  });

  test("take back what somebody else granted, in the words of the version", () => {
    const foreign: ObservedMembership = { role: "auth_app", member: "outsider", grantor: "somebody", admin: false, inherit: true, set: true, revocable: true };
    expect(sqlOf(changesFor(plan, { ...there, memberships: [...there.memberships, foreign] }))).toEqual([`REVOKE "auth_app" FROM "outsider"${major < 16 ? "" : ' GRANTED BY "somebody"'} CASCADE`]);
    expect(changesFor(plan, { ...there, memberships: [...there.memberships, { ...foreign, revocable: false }] })).toMatchObject([{ manual: true }]);
  });

  test("lose an ADMIN OPTION", () => {
    const memberships = there.memberships.map((membership) => (membership.member === "auth_user" ? { ...membership, admin: true } : membership));
    expect(sqlOf(changesFor(plan, { ...there, memberships }))).toEqual([major < 16 ? 'REVOKE ADMIN OPTION FOR "auth_app" FROM "auth_user"' : 'GRANT "auth_app" TO "auth_user" WITH ADMIN FALSE, INHERIT TRUE, SET FALSE']);
  });

  test("have their INHERIT looked at only where it decides", () => {
    const roles = there.roles.map((role) => (role.name === "auth_user" ? { ...role, inherit: false } : role));
    expect(sqlOf(changesFor(plan, { ...there, roles }))).toEqual(major < 16 ? ['ALTER ROLE "auth_user" INHERIT'] : []);
  });
});

test("before 16 a membership given by another grantor is as good as the admin's own: there is one row for both", () => {
  const plan = planFor(15);
  const there = converged(plan);
  expect(changesFor(plan, { ...there, memberships: there.memberships.map((membership) => ({ ...membership, grantor: "postgres" })) })).toEqual([]);
});

test("an operator that somebody made a superuser is told, since only a superuser can mend it", () => {
  const plan = planFor(15);
  const there = converged(plan);
  expect(changesFor(plan, { ...there, roles: there.roles.map((role) => (role.name === "bulkhead_operator" ? { ...role, superuser: true } : role)) })).toMatchObject([{ service: "tier", rule: "role-attributes", manual: true }]);
});

test("the operator of before is nobody from 16 on", () => {
  const plan = planFor(16);
  const there = converged(plan);
  const left: ObservedMembership = { role: "auth_owner", member: "bulkhead_operator", grantor: ADMIN, admin: false, inherit: false, set: true, revocable: true };
  expect(sqlOf(changesFor(plan, { ...there, memberships: [...there.memberships, left] }))).toEqual(['REVOKE "auth_owner" FROM "bulkhead_operator" CASCADE']);
});

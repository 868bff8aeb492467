import { quoteIdentifier } from "../postgres/identifier";
import type { Statement } from "./change";
import type { Privilege } from "./observed";

/** Which roles shall hold which privileges: role name → privileges. Roles that are not named shall hold none. */
export type Grants = Readonly<Record<string, readonly string[]>>;

export interface PrivilegeDifference {
  /** What is there and should not be, or is with grant option. */
  readonly extra: readonly Privilege[];
  /** What should be there and is not. */
  readonly missing: readonly { readonly grantee: string; readonly privilege: string }[];
}

/** Compares the ACL that is really there with the wanted one. */
export function diffPrivileges(actual: readonly Privilege[], wanted: Grants): PrivilegeDifference {
  const isWanted = ({ grantee, privilege }: Privilege): boolean => Object.hasOwn(wanted, grantee) && wanted[grantee]!.includes(privilege);
  return {
    extra: actual.filter((entry) => entry.grantable || !isWanted(entry)),
    missing: Object.entries(wanted).flatMap(([grantee, privileges]) =>
      privileges.filter((privilege) => !actual.some((entry) => entry.grantee === grantee && entry.privilege === privilege)).map((privilege) => ({ grantee, privilege })),
    ),
  };
}

/**
 * The statements that turn the difference into none: REVOKE before GRANT, from the ACL that is really there. A wanted privilege that came
 * with a grant option loses that option only; CASCADE takes along what was passed on by means of it.
 *
 * @param target what the privileges are on, as SQL has it: `TABLE "public"."users"`
 */
export function privilegeSql({ extra, missing }: PrivilegeDifference, wanted: Grants, target: string): string[] {
  const keeps = ({ grantee, privilege }: Privilege): boolean => Object.hasOwn(wanted, grantee) && wanted[grantee]!.includes(privilege);
  const revoke = (option: string) => ([grantee, privileges]: [string, string[]]) => `REVOKE ${option}${privileges.join(", ")} ON ${target} FROM ${roleSql(grantee)} CASCADE`;
  return [
    ...[...groupByGrantee(extra.filter((entry) => !keeps(entry)))].map(revoke("")),
    ...[...groupByGrantee(extra.filter(keeps))].map(revoke("GRANT OPTION FOR ")),
    ...grants(missing).map(({ privileges, to }) => `GRANT ${privileges} ON ${target} TO ${to}`),
  ];
}

/**
 * Gives an owner back what was taken from it; an owner may always grant that to itself. Without it a migration fails, and so does every
 * row that a foreign key checks: such a check runs with the rights of the table's owner.
 */
export function ownPrivileges(lacks: readonly string[], target: string, owner: string): { finding: string; statement: Statement }[] {
  if (lacks.length === 0) return [];
  const privileges = lacks.join(", ");
  return [{ finding: `on ${target} its owner ${owner} lacks ${privileges}`, statement: { sql: `GRANT ${privileges} ON ${target} TO ${quoteIdentifier(owner)}`, as: owner } }];
}

/** What is missing, with everybody who lacks the same in one GRANT. */
export function grants(missing: PrivilegeDifference["missing"]): { privileges: string; to: string }[] {
  const grantees = new Map<string, string[]>();
  for (const [grantee, list] of groupByGrantee(missing)) {
    const privileges = list.join(", ");
    grantees.set(privileges, [...(grantees.get(privileges) ?? []), roleSql(grantee)]);
  }
  return [...grantees].map(([privileges, to]) => ({ privileges, to: to.join(", ") }));
}

/** The difference in words: `PUBLIC has CONNECT, TEMPORARY; auth_app lacks CONNECT`. */
export function describeDifference({ extra, missing }: PrivilegeDifference): string {
  return [
    ...[...groupByGrantee(extra)].map(([grantee, privileges]) => `${grantee} has ${privileges.join(", ")}${extra.some((entry) => entry.grantee === grantee && entry.grantable) ? " WITH GRANT OPTION" : ""}`),
    ...[...groupByGrantee(missing)].map(([grantee, privileges]) => `${grantee} lacks ${privileges.join(", ")}`),
  ].join("; ");
}

export function groupByGrantee(entries: readonly { readonly grantee: string; readonly privilege: string }[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { grantee, privilege } of entries) {
    const privileges = groups.get(grantee);
    if (privileges === undefined) groups.set(grantee, [privilege]);
    else if (!privileges.includes(privilege)) privileges.push(privilege);
  }
  return groups;
}

/** PUBLIC is a keyword, every other grantee a quoted name. */
export function roleSql(grantee: string): string {
  return grantee === "PUBLIC" ? "PUBLIC" : quoteIdentifier(grantee);
}

import { BulkheadError } from "../errors/bulkhead-error";
import type { TierFacts } from "./plan";

/** The oldest version that can be held watertight: before it every login may create in the schema `public`, and hand on its own membership. */
export const OLDEST_POSTGRES_MAJOR = 15;
/** What a plan is for when it does not say. */
export const DEFAULT_POSTGRES_MAJOR = 17;
/** The newest version whose features a plan makes use of; what comes after it is planned for alike. */
const NEWEST_PLANNED_MAJOR = 17;

/** The major version of the server that a plan is for. */
export function postgresMajor({ postgresMajor: major }: Pick<TierFacts, "postgresMajor">): number {
  return major ?? DEFAULT_POSTGRES_MAJOR;
}

/**
 * From 16 on, a membership says itself whether its rights are inherited and whether it allows SET ROLE, and whoever makes a role administers that
 * role and no other (release notes of PostgreSQL 16, "Privileges"). Before, the member's INHERIT attribute decides for all its memberships,
 * each allows SET ROLE, and CREATEROLE administers every role but superusers.
 */
export function hasMembershipOptions(tier: Pick<TierFacts, "postgresMajor">): boolean {
  return postgresMajor(tier) >= 16;
}

/** From 17 on. */
export function hasTransactionTimeout(tier: Pick<TierFacts, "postgresMajor">): boolean {
  return postgresMajor(tier) >= 17;
}

/** @throws BulkheadError `POSTGRES_TOO_OLD` for a plan that is for a version before 15 */
export function refuseOldPlan(tier: Pick<TierFacts, "postgresMajor">): void {
  const major = postgresMajor(tier);
  if (!(major >= OLDEST_POSTGRES_MAJOR)) throw tooOld(`the tier is to have PostgreSQL ${major}`);
}

/**
 * Refuses a server that the plan is not for: what it lacks would fail half-way, and what it has besides would stay unused without a word.
 *
 * @param versionNumber `server_version_num`: 170004 is 17.4
 * @throws BulkheadError `POSTGRES_TOO_OLD` before 15; `POSTGRES_VERSION_DIFFERS` for another version than the plan's, but for ones after 17
 */
export function refuseOtherServer(tier: Pick<TierFacts, "postgresMajor">, versionNumber: number): void {
  const server = Math.floor(versionNumber / 10_000);
  const planned = postgresMajor(tier);
  if (server < OLDEST_POSTGRES_MAJOR) throw tooOld(`the server is PostgreSQL ${server}`);
  if (server >= planned && Math.min(server, NEWEST_PLANNED_MAJOR) <= planned) return;
  throw new BulkheadError("POSTGRES_VERSION_DIFFERS", `the server is PostgreSQL ${server}, but the plan is for ${planned}; nothing was changed`, {
    hint: `tell the stack that it has ${server}: docker by the tag of the image (pulumi config set --path bulkhead:images.postgres postgres:${server}), gcp by bulkhead:sql.version; or upgrade the server to ${planned}`,
  });
}

function tooOld(what: string): BulkheadError {
  return new BulkheadError("POSTGRES_TOO_OLD", `${what}, and Bulkhead needs ${OLDEST_POSTGRES_MAJOR} or newer; nothing was changed`, {
    hint: `upgrade with pg_upgrade, or dump with pg_dumpall and restore into a server of version ${DEFAULT_POSTGRES_MAJOR}`,
  });
}

import type { ClientBase } from "pg";

import type { CompartmentPlan, TierPlan } from "../plan/plan";
import { hasMembershipOptions } from "../plan/postgres-major";
import { closeSession } from "../postgres/connect";
import { leftBehind } from "./books";
import type { Change } from "./change";
import { mapConcurrently } from "./concurrency";
import { diffCredentials } from "./credentials";
import type { CredentialChange } from "./credentials";
import { diffContents } from "./diff-contents";
import { diffDatabase, diffOtherDatabases } from "./diff-database";
import { diffRoles, MONITOR_ROLE } from "./diff-roles";
import { diffTierRoles } from "./diff-tier-roles";
import { OPERATOR_ROLE } from "./membership-sql";
import type { ObservedCluster, ObservedCompartment } from "./observed";
import type { ProvisionOptions } from "./options";
import { AGREED_DATABASE, readCluster } from "./read-cluster";
import { readDatabase } from "./read-database";
import { refuseRenames } from "./refuse";
import { openAdminSession } from "./session";

/** Sessions opened at once: enough to keep two cores busy with TLS and authentication, few enough for any tier. */
export const SESSIONS_AT_ONCE = 6;

/** What differs between plan and server, for one compartment. */
export interface CompartmentInspection {
  readonly service: string;
  readonly changes: readonly Change[];
  readonly credentials: readonly CredentialChange[];
  /** Of the last setup that ended well; null when there was none. */
  readonly token: string | null;
}

/** What differs between plan and server. */
export interface Inspection {
  readonly tier: readonly Change[];
  readonly compartments: readonly CompartmentInspection[];
  /** Compartments on the server whose service has left the catalog. */
  readonly leftBehind: readonly ObservedCompartment[];
}

/** Whether a compartment is exactly as planned, but for what only a superuser could change. */
export function isConverged({ changes, credentials, token }: CompartmentInspection): boolean {
  return token !== null && credentials.length === 0 && changes.every(({ manual }) => manual);
}

/**
 * Holds the plan against the server and the secret store; changes nothing. Contents of a database that does not exist yet are not known,
 * so a new compartment shows its roles and database only.
 *
 * @throws BulkheadError `DATABASE_RENAMED`, `DATABASE_TAKEN`, `POSTGRES_TOO_OLD`, `POSTGRES_VERSION_DIFFERS`; anything that the sessions throw
 */
export async function inspect(plan: TierPlan, options: ProvisionOptions): Promise<Inspection> {
  const client = await openAdminSession(options, AGREED_DATABASE);
  let cluster: ObservedCluster;
  try {
    cluster = await readPlannedCluster(client, plan);
  } finally {
    await closeSession(client);
  }
  refuseRenames(plan, cluster);
  const selected = selectCompartments(plan, options);
  const compartments = await mapConcurrently(selected, SESSIONS_AT_ONCE, async (compartment): Promise<CompartmentInspection> => {
    options.signal?.throwIfAborted();
    const { service } = compartment;
    const [contents, credentials] = await Promise.all([inspectContents(plan, compartment, cluster, options), diffCredentials(compartment, cluster, { ...options, probe: options.probe ?? true })]);
    const token = cluster.compartments.find((row) => row.service === service)?.token ?? null;
    return { service, changes: [...clusterChanges(plan, compartment, cluster), ...contents], credentials, token };
  });
  return { tier: [...diffTierRoles(plan, cluster), ...diffOtherDatabases(plan, cluster)], compartments, leftBehind: leftBehind(plan, cluster) };
}

/**
 * Reads what the whole plan speaks of.
 *
 * @throws BulkheadError `POSTGRES_TOO_OLD`, `POSTGRES_VERSION_DIFFERS`
 */
export function readPlannedCluster(client: ClientBase, plan: TierPlan): Promise<ObservedCluster> {
  const roles = [MONITOR_ROLE, ...(hasMembershipOptions(plan.tier) ? [] : [OPERATOR_ROLE]), ...plan.compartments.flatMap(({ roleSpecs }) => roleSpecs.map(({ name }) => name))];
  return readCluster(client, roles, plan.compartments.map(({ database }) => database.name), plan.tier);
}

/** The part of the plan that a run is about. */
export function selectCompartments(plan: TierPlan, { services }: Pick<ProvisionOptions, "services">): readonly CompartmentPlan[] {
  return services === undefined ? plan.compartments : plan.compartments.filter(({ service }) => services.includes(service));
}

/** Roles before databases: an owner must exist before it can own. */
export function clusterChanges(plan: TierPlan, compartment: CompartmentPlan, cluster: ObservedCluster): Change[] {
  return [...diffRoles(plan, compartment, cluster), ...diffDatabase(plan, compartment, cluster)];
}

async function inspectContents(plan: TierPlan, compartment: CompartmentPlan, cluster: ObservedCluster, options: ProvisionOptions): Promise<Change[]> {
  const database = cluster.databases.find(({ name }) => name === compartment.database.name);
  // Without the admin's CONNECT the contents stay unread; the missing privilege is a finding of its own, and once mended the rest follows.
  if (database === undefined || !database.allowConnections || !database.privileges.some(({ grantee, privilege }) => grantee === plan.tier.admin && privilege === "CONNECT")) return [];
  const client = await openAdminSession(options, compartment.database.name);
  try {
    return diffContents(plan, compartment, await readDatabase(client));
  } finally {
    await closeSession(client);
  }
}

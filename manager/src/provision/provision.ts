import { setTimeout as delay } from "node:timers/promises";

import type { Client } from "pg";

import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import type { CompartmentPlan, TierPlan } from "../plan/plan";
import { closeSession } from "../postgres/connect";
import { applyAlone, applyInTransaction, isCatalogRace, stepsOf } from "./apply";
import { createBooks, enterCompartments, refuseRenames } from "./books";
import type { Change } from "./change";
import { mapConcurrently } from "./concurrency";
import { diffCredentials, setPasswordSql } from "./credentials";
import type { CredentialChange } from "./credentials";
import { diffContents } from "./diff-contents";
import { diffOtherDatabases } from "./diff-database";
import { diffMonitorRole } from "./diff-roles";
import { clusterChanges, readPlannedCluster, selectCompartments, SESSIONS_AT_ONCE } from "./inspect";
import type { ProvisionOptions } from "./options";
import { AGREED_DATABASE } from "./read-cluster";
import { readDatabase } from "./read-database";

/** Key of the advisory lock under which cluster-wide changes are made; one for all tiers, since each server has locks of its own. */
const CLUSTER_LOCK = "hashtextextended('bulkhead cluster', 0)";
/** Key of the lock inside a compartment's database. */
const DATABASE_LOCK = "hashtextextended('bulkhead database', 0)";
/** How long to wait for another provisioner; it holds the lock for well under a second a service. */
const LOCK_TIMEOUT_MS = 60_000;
/** A mended difference can bring another to light (an object whose owner was wrong); more rounds than this means that two hands pull. */
const MAX_PASSES = 4;
/** CREATE DATABASE is bound by the disk: more at once than this gains nothing. */
const CREATE_AT_ONCE = 4;

/** What a run did. */
export interface ProvisionReport {
  /** What was changed, in order. Empty: everything was as planned. */
  readonly changes: readonly Change[];
  /** Logins that got a new password or secret. */
  readonly credentials: readonly CredentialChange[];
  /** Differences that only somebody with more rights can mend. */
  readonly manual: readonly Change[];
  readonly durationMs: number;
}

/**
 * Makes the server as the plan says, from what is really there: reads the catalogs, applies only the difference, and reads again. Safe to
 * run again after a crash at any moment, and from several processes at once: cluster-wide changes are made under one lock, those inside a
 * database under one of its own. Never drops anything that holds data.
 *
 * @throws BulkheadError `PROVISION_STATEMENT_FAILED` naming service, finding and statement; `PROVISION_LOCK_TIMEOUT` when another
 *   provisioner does not end; `PROVISION_NOT_CONVERGING` when differences come back; `DATABASE_RENAMED`
 */
export async function provision(plan: TierPlan, options: ProvisionOptions): Promise<ProvisionReport> {
  const startedAt = performance.now();
  const done: { changes: Change[]; credentials: CredentialChange[]; manual: Change[] } = { changes: [], credentials: [], manual: [] };

  const client = await options.openSession(AGREED_DATABASE);
  try {
    await underLock(client, CLUSTER_LOCK, () => provisionCluster(client, plan, options, done));
  } finally {
    await closeSession(client);
  }
  await mapConcurrently(selectCompartments(plan, options), SESSIONS_AT_ONCE, async (compartment) => {
    options.signal?.throwIfAborted();
    const session = await options.openSession(compartment.database.name);
    try {
      await converge(
        async () => diffContents(plan, compartment, await readDatabase(session)),
        (changes) => underLock(session, DATABASE_LOCK, () => applyInTransaction(session, stepsOf(changes))),
        done,
      );
    } finally {
      await closeSession(session);
    }
  });
  return { ...done, durationMs: performance.now() - startedAt };
}

/** Roles, passwords and databases: what all databases share. */
async function provisionCluster(client: Client, plan: TierPlan, options: ProvisionOptions, done: { changes: Change[]; credentials: CredentialChange[]; manual: Change[] }): Promise<void> {
  const compartments = selectCompartments(plan, options);
  const probe = options.probe ?? true;
  let cluster = await readPlannedCluster(client, plan);
  refuseRenames(plan, cluster);
  if (!cluster.bookkeeping) await createBooks(client);
  const entered = new Map(cluster.compartments.map(({ service, database }) => [service, database]));
  const unentered = compartments.filter(({ service, database }) => entered.get(service) !== database.name);
  if (unentered.length > 0) await enterCompartments(client, unentered.map(({ service, database }) => ({ service, database: database.name })));

  let isFirstPass = true;
  await converge(
    async () => {
      if (!isFirstPass) cluster = await readPlannedCluster(client, plan);
      isFirstPass = false;
      return [...diffMonitorRole(plan, cluster), ...diffOtherDatabases(plan, cluster), ...compartments.flatMap((compartment) => clusterChanges(plan, compartment, cluster))];
    },
    async (changes) => {
      options.signal?.throwIfAborted();
      const isRoleChange = ({ rule }: Change): boolean => rule.startsWith("role-");
      const creates = changes.filter(({ rule, statements }) => rule === "database-exists" && statements.some(({ sql }) => sql.startsWith("CREATE DATABASE")));
      await applyInTransaction(client, stepsOf(changes.filter(isRoleChange)));
      await createDatabases(client, creates, options);
      await applyInTransaction(client, stepsOf(changes.filter((change) => !isRoleChange(change) && !creates.includes(change))));
    },
    done,
  );
  await provisionCredentials(client, compartments, options, { cluster, probe }, done.credentials);
}

async function createDatabases(client: Client, creates: readonly Change[], options: ProvisionOptions): Promise<void> {
  const steps = stepsOf(creates);
  if (steps.length <= 1) {
    for (const step of steps) await applyAlone(client, step);
    return;
  }
  const spare: Client[] = await Promise.all(Array.from({ length: Math.min(CREATE_AT_ONCE, steps.length) }, () => options.openSession(AGREED_DATABASE)));
  const free = [...spare];
  try {
    await mapConcurrently(steps, spare.length, async (step) => {
      options.signal?.throwIfAborted();
      const session = free.pop()!;
      try {
        await applyAlone(session, step);
      } finally {
        free.push(session);
      }
    });
  } finally {
    await Promise.all(spare.map(closeSession));
  }
}

/**
 * Passwords come last, when the roles are there. The secret is stored before the role is changed: a crash in between leaves a whole secret
 * that does not log in, which the next run mends by the same rule.
 */
async function provisionCredentials(client: Client, compartments: readonly CompartmentPlan[], options: ProvisionOptions, { cluster, probe }: { cluster: Awaited<ReturnType<typeof readPlannedCluster>>; probe: boolean }, done: CredentialChange[]): Promise<void> {
  const changes = (await mapConcurrently(compartments, SESSIONS_AT_ONCE, (compartment) => diffCredentials(compartment, cluster, { ...options, probe }))).flat();
  if (changes.length === 0) return;
  const verifiers = await Promise.all(changes.map((change) => (change.setPassword ? setPasswordSql(change) : undefined)));
  await mapConcurrently(changes, SESSIONS_AT_ONCE, async ({ service, login, secret, writeSecret }) => {
    if (writeSecret) await options.secrets.write({ service, login }, secret);
  });
  await applyInTransaction(
    client,
    changes.flatMap(({ service, finding }, index) => (verifiers[index] === undefined ? [] : [{ service, finding, sql: verifiers[index] }])),
  );
  for (const change of changes) options.progress?.(`${change.service}: ${change.finding}`);
  done.push(...changes);
}

/** Reads and applies until nothing differs. What only a superuser can mend is reported once and not counted. */
async function converge(read: () => Promise<Change[]>, apply: (changes: readonly Change[]) => Promise<void>, done: { changes: Change[]; manual: Change[] }): Promise<void> {
  for (let pass = 1; ; pass++) {
    const found = await read();
    const changes = found.filter(({ manual }) => !manual);
    if (changes.length === 0) {
      done.manual.push(...found);
      return;
    }
    if (pass > MAX_PASSES) {
      throw new BulkheadError("PROVISION_NOT_CONVERGING", `after ${MAX_PASSES} rounds ${changes.length} differences are still there: ${changes.slice(0, 3).map(({ service, finding }) => `${service}: ${finding}`).join("; ")}`, {
        hint: "somebody or something else changes the same roles or privileges (a migration with GRANT, another tool); stop it and run the command again",
      });
    }
    try {
      await apply(changes);
      done.changes.push(...changes);
    } catch (error) {
      if (!isCatalogRace(error)) throw error;
      await delay(50 * pass * (0.5 + Math.random()));
    }
  }
}

async function underLock(client: Client, key: string, work: () => Promise<void>): Promise<void> {
  try {
    await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}; SELECT pg_advisory_lock(${key}); RESET lock_timeout`);
  } catch (error) {
    if ((error as { code?: string }).code !== "55P03") throw error;
    throw new BulkheadError("PROVISION_LOCK_TIMEOUT", `another provisioner has held the lock for over ${LOCK_TIMEOUT_MS / 1000} s: ${messageOf(error)}`, {
      hint: "wait for it to end; see it in pg_stat_activity (application_name 'bulkhead…'), and end it with pg_terminate_backend if its machine is gone",
      cause: error,
    });
  }
  try {
    await work();
  } finally {
    // A broken session has lost the lock already.
    await client.query(`SELECT pg_advisory_unlock(${key})`).catch(() => {});
  }
}

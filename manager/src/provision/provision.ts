import { setTimeout as delay } from "node:timers/promises";

import type { Client } from "pg";

import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import type { CompartmentPlan, TierPlan } from "../plan/plan";
import { closeSession } from "../postgres/connect";
import { applyAlone, applyInTransaction, isCatalogRace, stepsOf } from "./apply";
import { createBooks, enterCompartments } from "./books";
import type { Change } from "./change";
import { mapConcurrently, settleAll } from "./concurrency";
import { diffCredentials, setPasswordSql } from "./credentials";
import type { CredentialChange } from "./credentials";
import { diffContents } from "./diff-contents";
import { diffOtherDatabases } from "./diff-database";
import { diffMonitorRole } from "./diff-roles";
import { clusterChanges, readPlannedCluster, selectCompartments, SESSIONS_AT_ONCE } from "./inspect";
import type { ObservedCluster, ObservedDatabaseContents } from "./observed";
import type { ProvisionOptions } from "./options";
import { AGREED_DATABASE } from "./read-cluster";
import { readDatabase } from "./read-database";
import { refuseForeignDatabases, refuseRenames } from "./refuse";
import { openAdminSession } from "./session";

/** Key of the advisory lock that a run holds from its first look to its last change; one for all tiers, since each server has locks of its own. */
const PROVISION_LOCK = "hashtextextended('bulkhead provision', 0)";
/** How long to wait for another provisioner; it holds the lock for well under a second a service. */
const LOCK_TIMEOUT_MS = 120_000;
/** A mended difference can bring another to light (an object whose owner was wrong); more rounds than this means that two hands pull. */
const MAX_PASSES = 4;
/** CREATE DATABASE waits for the disk half of its time: with more at once than this, two cores are busy already. */
const CREATE_AT_ONCE = 4;
/** Each compartment has three logins to try. */
const PROBED_AT_ONCE = 3;

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

/** A run as it goes. */
interface Run {
  readonly plan: TierPlan;
  readonly compartments: readonly CompartmentPlan[];
  readonly options: ProvisionOptions;
  readonly done: { readonly changes: Change[]; readonly credentials: CredentialChange[]; readonly manual: Change[] };
  /** Databases that this run made: nobody else has been in them. */
  readonly created: Set<string>;
}

/**
 * Makes the server as the plan says, from what is really there: reads the catalogs, applies only the difference, and reads again. Safe to
 * run again after a crash at any moment, and from several processes at once: a run holds one lock from beginning to end. Never drops
 * anything that holds data.
 *
 * @throws BulkheadError `PROVISION_STATEMENT_FAILED` naming service, finding and statement; `PROVISION_LOCK_TIMEOUT` when another
 *   provisioner does not end; `PROVISION_NOT_CONVERGING` when differences come back; `PROVISION_NO_CONNECTION`; `DATABASE_RENAMED`,
 *   `DATABASE_TAKEN`, `DATABASE_FOREIGN`, before anything is changed
 */
export async function provision(plan: TierPlan, options: ProvisionOptions): Promise<ProvisionReport> {
  const startedAt = performance.now();
  const run: Run = { plan, compartments: selectCompartments(plan, options), options, done: { changes: [], credentials: [], manual: [] }, created: new Set() };
  const client = await openAdminSession(options, AGREED_DATABASE);
  try {
    await takeLock(client);
    const cluster = await provisionCluster(client, run);
    // Passwords are the roles' business, contents the databases': neither waits for the other.
    await settleAll([provisionCredentials(client, cluster, run), provisionContents(run)]);
  } finally {
    // The lock goes with the session.
    await closeSession(client);
  }
  return { ...run.done, durationMs: performance.now() - startedAt };
}

async function takeLock(client: Client): Promise<void> {
  try {
    await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}; SELECT pg_advisory_lock(${PROVISION_LOCK}); RESET lock_timeout`);
  } catch (error) {
    if ((error as { code?: string }).code !== "55P03") throw error;
    throw new BulkheadError("PROVISION_LOCK_TIMEOUT", `another provisioner has held the lock for over ${LOCK_TIMEOUT_MS / 1000} s: ${messageOf(error)}`, {
      hint: "wait for it to end; see it in pg_stat_activity (application_name 'bulkhead…'), and end it with pg_terminate_backend if its machine is gone",
      cause: error,
    });
  }
}

/** Roles and databases: what all databases share. */
async function provisionCluster(client: Client, { plan, compartments, options, done, created }: Run): Promise<ObservedCluster> {
  let cluster = await readPlannedCluster(client, plan);
  refuseRenames(plan, cluster);
  refuseForeignDatabases(plan, compartments, cluster);
  if (!cluster.bookkeeping) await createBooks(client);
  const entered = new Map(cluster.compartments.map(({ service, database }) => [service, database]));
  const unentered = compartments.filter(({ service, database }) => entered.get(service) !== database.name);
  if (unentered.length > 0) await enterCompartments(client, unentered.map(({ service, database }) => ({ service, database: database.name })));

  await converge(
    async (pass) => {
      if (pass > 1) cluster = await readPlannedCluster(client, plan);
      return [...diffMonitorRole(plan, cluster), ...diffOtherDatabases(plan, cluster), ...compartments.flatMap((compartment) => clusterChanges(plan, compartment, cluster))];
    },
    async (changes) => {
      options.signal?.throwIfAborted();
      const newRoles = changes.filter(({ rule }) => rule === "role-exists");
      const ofRoles = changes.filter(({ rule }) => rule.startsWith("role-") && rule !== "role-exists");
      const creates = changes.filter(isCreation);
      await applyInTransaction(client, stepsOf(newRoles));
      // Databases need their owners to exist, no more.
      await settleAll([applyInTransaction(client, stepsOf(ofRoles)), createDatabases(creates, options, created)]);
      await applyInTransaction(client, stepsOf(changes.filter((change) => !change.rule.startsWith("role-") && !creates.includes(change))));
    },
    done,
  );
  return cluster;
}

function isCreation({ rule, statements }: Change): boolean {
  return rule === "database-exists" && statements.some(({ sql }) => sql.startsWith("CREATE DATABASE"));
}

async function createDatabases(creates: readonly Change[], options: ProvisionOptions, created: Set<string>): Promise<void> {
  const changes = [...creates];
  await mapConcurrently(changes.slice(0, CREATE_AT_ONCE), CREATE_AT_ONCE, async () => {
    const session = await openAdminSession(options, AGREED_DATABASE);
    try {
      for (let change = changes.shift(); change !== undefined; change = changes.shift()) {
        options.signal?.throwIfAborted();
        for (const step of stepsOf([change])) await applyAlone(session, step);
        created.add(change.service);
        options.progress?.(`${change.service}: database made`);
      }
    } finally {
      await closeSession(session);
    }
  });
}

/** What is inside the databases, in one session for each. */
async function provisionContents({ plan, compartments, options, done, created }: Run): Promise<void> {
  let ofNewDatabases: Promise<ObservedDatabaseContents> | undefined;
  await mapConcurrently(compartments, SESSIONS_AT_ONCE, async (compartment) => {
    const session = await openAdminSession(options, compartment.database.name);
    try {
      const apply = async (changes: readonly Change[]): Promise<void> => {
        options.signal?.throwIfAborted();
        await applyInTransaction(session, stepsOf(changes));
      };
      if (created.has(compartment.service) && ofNewDatabases !== undefined) {
        // Clones of one template are alike: what was read in the first one, and then seen to be right there, holds for all.
        const changes = diffContents(plan, compartment, await ofNewDatabases);
        await apply(changes);
        done.changes.push(...changes);
        return;
      }
      const firstRead = readDatabase(session);
      if (created.has(compartment.service)) ofNewDatabases = firstRead;
      await converge(async (pass) => diffContents(plan, compartment, await (pass === 1 ? firstRead : readDatabase(session))), apply, done);
    } finally {
      await closeSession(session);
    }
  });
}

/**
 * Passwords come when the roles are there. The secret is stored before the role is changed: a crash in between leaves a whole secret
 * that does not log in, which the next run mends by the same rule.
 */
async function provisionCredentials(client: Client, cluster: ObservedCluster, { compartments, options, done }: Run): Promise<void> {
  const probe = options.probe ?? true;
  const changes = (await mapConcurrently(compartments, PROBED_AT_ONCE, (compartment) => diffCredentials(compartment, cluster, { ...options, probe }))).flat();
  if (changes.length === 0) return;
  const verifiers = await Promise.all(changes.map(async (change) => (change.setPassword ? setPasswordSql(change) : undefined)));
  options.signal?.throwIfAborted();
  await mapConcurrently(changes, SESSIONS_AT_ONCE, async ({ service, login, secret, writeSecret }) => {
    if (writeSecret) await options.secrets.write({ service, login }, secret);
  });
  await applyInTransaction(
    client,
    changes.flatMap(({ service, finding }, index) => (verifiers[index] === undefined ? [] : [{ rule: "credentials", service, finding, sql: verifiers[index] }])),
  );
  for (const change of changes) options.progress?.(`${change.service}: ${change.finding}`);
  done.credentials.push(...changes);
}

/** Reads and applies until nothing differs. What only a superuser can mend is reported once and not counted. */
async function converge(read: (pass: number) => Promise<Change[]>, apply: (changes: readonly Change[]) => Promise<void>, done: Pick<Run["done"], "changes" | "manual">): Promise<void> {
  for (let pass = 1; ; pass++) {
    const found = await read(pass);
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

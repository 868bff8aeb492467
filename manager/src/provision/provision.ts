import { setTimeout as delay } from "node:timers/promises";

import type { Client } from "pg";

import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import type { CompartmentPlan, TierPlan } from "../plan/plan";
import { closeSession } from "../postgres/connect";
import { applyInTransaction, isCatalogRace, stepsOf } from "./apply";
import { createBooks, enterCompartments } from "./books";
import type { Change } from "./change";
import { mapConcurrently, settleAll } from "./concurrency";
import { createDatabases, creationsOf } from "./create-databases";
import { diffCredentials, setPasswordSql } from "./credentials";
import type { CredentialChange } from "./credentials";
import { diffContents } from "./diff-contents";
import { diffOtherDatabases } from "./diff-database";
import { isNeededByAll } from "./diff-roles";
import { diffTierRoles } from "./diff-tier-roles";
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
  /** Services whose roles this run made. */
  readonly newcomers: Set<string>;
  /** Services of which the run has nothing more to look at. */
  readonly finished: { readonly credentials: Set<string>; readonly contents: Set<string> };
}

/**
 * Makes the server as the plan says, from what is really there: reads the catalogs, applies only the difference, and reads again. Safe to
 * run again after a crash at any moment, and from several processes at once: a run holds one lock from beginning to end. Never drops
 * anything that holds data.
 *
 * @throws BulkheadError `PROVISION_STATEMENT_FAILED` naming service, finding and statement; `PROVISION_LOCK_TIMEOUT` when another
 *   provisioner does not end; `PROVISION_NOT_CONVERGING` when differences come back; `PROVISION_NO_CONNECTION`; `DATABASE_RENAMED`,
 *   `DATABASE_TAKEN`, `DATABASE_FOREIGN`, `POSTGRES_TOO_OLD`, `POSTGRES_VERSION_DIFFERS`, before anything is changed
 */
export async function provision(plan: TierPlan, options: ProvisionOptions): Promise<ProvisionReport> {
  const startedAt = performance.now();
  const run: Run = { plan, compartments: selectCompartments(plan, options), options, done: { changes: [], credentials: [], manual: [] }, newcomers: new Set(), finished: { credentials: new Set(), contents: new Set() } };
  const client = await openAdminSession(options, AGREED_DATABASE);
  try {
    await takeLock(client);
    const cluster = await provisionCluster(client, run);
    // Passwords are the roles' business, contents the databases': neither waits for the other.
    const { compartments, finished } = run;
    await settleAll([
      provisionCredentials(client, compartments.filter(({ service }) => !finished.credentials.has(service)), cluster, run),
      provisionContents(compartments.filter(({ service }) => !finished.contents.has(service)), run),
    ]);
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

/** Roles and databases: what all databases share. What is new is finished here: its passwords are set and its contents made while other databases are being made. */
async function provisionCluster(client: Client, run: Run): Promise<ObservedCluster> {
  const { plan, compartments, done } = run;
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
      return [...diffTierRoles(plan, cluster), ...diffOtherDatabases(plan, cluster), ...compartments.flatMap((compartment) => clusterChanges(plan, compartment, cluster))];
    },
    (changes) => applyToCluster(client, cluster, changes, run),
    done,
  );
  return cluster;
}

async function applyToCluster(client: Client, cluster: ObservedCluster, changes: readonly Change[], run: Run): Promise<void> {
  const { plan, compartments, options, finished } = run;
  options.signal?.throwIfAborted();
  const newcomers = compartments.filter(({ roleSpecs }) => !roleSpecs.some(({ name }) => cluster.roles.some((role) => role.name === name)));
  for (const { service } of newcomers) run.newcomers.add(service);
  const creations = creationsOf(changes, new Set(newcomers.map(({ service }) => service)));
  // What is the tier's own comes first too: the server's first databases are closed to PUBLIC before a login can be used.
  const first = changes.filter((change) => change.service === "tier" || isNeededByAll(change, plan.tier));
  const ofRoles = changes.filter((change) => change.rule.startsWith("role-") && !first.includes(change));
  const ofNewDatabases = new Set(creations.flatMap(({ create, open }) => [create, ...open]));
  const others = changes.filter((change) => !change.rule.startsWith("role-") && !first.includes(change) && !ofNewDatabases.has(change));
  let ofNewContents: Promise<ObservedDatabaseContents> | undefined;

  await applyInTransaction(client, stepsOf(first));
  await settleAll([
    applyInTransaction(client, stepsOf(ofRoles)).then(() => provisionCredentials(client, newcomers, cluster, run)),
    createDatabases(creations, options, async (service) => {
      const newcomer = newcomers.find((compartment) => compartment.service === service);
      if (newcomer !== undefined) await fillNewDatabase(newcomer);
    }),
  ]);
  await applyInTransaction(client, stepsOf(others));

  /** Clones of one template are alike: what was read in the first one, and then seen to be right there, holds for all. */
  async function fillNewDatabase(compartment: CompartmentPlan): Promise<void> {
    await inDatabase(compartment, run, async (session) => {
      if (ofNewContents === undefined) {
        ofNewContents = readDatabase(session);
        await convergeContents(session, compartment, run, ofNewContents);
      } else {
        const found = diffContents(plan, compartment, await ofNewContents);
        await applyInTransaction(session, stepsOf(found));
        run.done.changes.push(...found);
      }
    });
    finished.contents.add(compartment.service);
  }
}

/** What is inside the databases, in one session for each. */
async function provisionContents(compartments: readonly CompartmentPlan[], run: Run): Promise<void> {
  await mapConcurrently(compartments, SESSIONS_AT_ONCE, (compartment) => inDatabase(compartment, run, (session) => convergeContents(session, compartment, run, readDatabase(session))));
}

async function inDatabase({ database }: CompartmentPlan, { options }: Run, work: (session: Client) => Promise<void>): Promise<void> {
  const session = await openAdminSession(options, database.name);
  try {
    options.signal?.throwIfAborted();
    await work(session);
  } finally {
    await closeSession(session);
  }
}

async function convergeContents(session: Client, compartment: CompartmentPlan, { plan, options, done }: Run, firstRead: Promise<ObservedDatabaseContents>): Promise<void> {
  await converge(
    async (pass) => diffContents(plan, compartment, await (pass === 1 ? firstRead : readDatabase(session))),
    async (changes) => {
      options.signal?.throwIfAborted();
      await applyInTransaction(session, stepsOf(changes));
    },
    done,
  );
}

/**
 * Passwords come when the roles are there. The secret is stored before the role is changed: a crash in between leaves a whole secret
 * that does not log in, which the next run mends by the same rule.
 */
async function provisionCredentials(client: Client, compartments: readonly CompartmentPlan[], cluster: ObservedCluster, { options, done, newcomers, finished }: Run): Promise<void> {
  // A newcomer comes here twice only when the first time failed: its secret may be stored and its password not set.
  const probe = ({ service }: CompartmentPlan): boolean => (options.probe ?? true) || newcomers.has(service);
  const changes = (await mapConcurrently(compartments, PROBED_AT_ONCE, (compartment) => diffCredentials(compartment, cluster, { ...options, probe: probe(compartment) }))).flat();
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
  for (const { service } of compartments) finished.credentials.add(service);
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

import type { Client } from "pg";

import type { Catalog } from "../catalog/catalog";
import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import type { TierPlan } from "../plan/plan";
import { refuseOtherServer } from "../plan/postgres-major";
import { AGREED_DATABASE } from "../provision/read-cluster";
import { applySteps } from "./apply";
import { findBaseline } from "./baseline";
import type { FoundServer } from "./observed";
import type { AdoptionPlan, SuperuserStatements } from "./plan";
import { planAdoption } from "./plan-adoption";
import type { FoundService } from "./plan-adoption";
import { readContents } from "./read-contents";
import { readServer } from "./read-server";
import { superuserAfter } from "./rename-superuser";
import type { OpenSuperuserSession } from "./session";
import { withSuperuserSession } from "./session";
import { isStatementsExtensionMade } from "./statements-extension";

/** What an adoption works on. */
export interface AdoptOptions {
  readonly plan: TierPlan;
  readonly catalog: Catalog;
  /** Folder that the catalog's schema folders are relative to. */
  readonly root: string;
  /** Opens a session of a superuser. Nobody but the adoption should be on the server. */
  readonly openSession: OpenSuperuserSession;
  /** Name of the superuser. Where it was renamed by an earlier run, that name. */
  readonly superuser: string;
  readonly statements: SuperuserStatements;
  /** By service: the newest migration whose effect a person vouches for, where it cannot be told by comparing; 0: none of them. Default: none. */
  readonly vouched?: ReadonlyMap<string, number>;
  /** A line for a person, as things happen. Default: nobody listens. */
  readonly progress?: (line: string) => void;
  /** Stops between two transactions; what was finished stays, and the next run goes on from there. */
  readonly signal?: AbortSignal;
}

/** What an adoption did. */
export interface AdoptionReport {
  /** What was done; without steps where nothing was to do. */
  readonly done: AdoptionPlan;
  /** As it is now: the services' states, and what was left out and why. */
  readonly after: AdoptionPlan;
}

/** Key of the advisory lock that a run holds from its first look to its last change. */
const ADOPT_LOCK = "hashtextextended('bulkhead adopt', 0)";
/** How long another run is waited for. Unit: milliseconds. */
const LOCK_TIMEOUT_MS = 120_000;
/** A step can bring another to light (what REASSIGN OWNED took along); more rounds than this means that something is wrong. */
const MAX_ROUNDS = 4;

/**
 * Says what `adopt` would do. Changes nothing that lasts: the live databases are read in read-only transactions; migrations, where they have to be compared with
 * a schema, run in a scratch database that is dropped again.
 *
 * @throws BulkheadError `POSTGRES_TOO_OLD`, `POSTGRES_VERSION_DIFFERS`; what `readMigrations` throws
 */
export async function inspectAdoption(options: AdoptOptions): Promise<AdoptionPlan> {
  const { plan, openSession, superuser } = options;
  const { server, templateIsWhole } = await withSuperuserSession(() => openSession(AGREED_DATABASE, superuser), (client) => readServer(client), { readOnly: true }).then(async (server) => {
    refuseOtherServer(plan.tier, server.versionNumber);
    return { server, templateIsWhole: await isTemplateWhole(options, server) };
  });
  const services = new Map<string, FoundService>();
  for (const compartment of plan.compartments) {
    const database = server.databases.find(({ name }) => name === compartment.database.name);
    if (database === undefined || database.invalid || !database.allowConnections) continue;
    options.signal?.throwIfAborted();
    const found = await withSuperuserSession(
      () => openSession(database.name, superuser),
      async (client): Promise<FoundService> => {
        const contents = await readContents(client);
        return { contents, baseline: await findBaseline(compartment, contents, client, { ...options, vouched: options.vouched ?? new Map() }) };
      },
      { readOnly: true },
    );
    services.set(compartment.service, found);
  }
  return planAdoption(plan, options.statements, { server, services, templateIsWhole });
}

async function isTemplateWhole({ plan, openSession, superuser }: AdoptOptions, { databases }: FoundServer): Promise<boolean> {
  const { template } = plan.tier;
  if (template === "template0") return true;
  if (!databases.some(({ name, allowConnections, isTemplate }) => name === template && allowConnections && isTemplate)) return false;
  return withSuperuserSession(() => openSession(template, superuser), async (client) => isStatementsExtensionMade(plan, await readContents(client)), { readOnly: true });
}

/**
 * Makes databases that were made by hand into compartments, as far as that takes a superuser: owners, roles that are too powerful, grants, the migration
 * history. What is left the next `up` does as the admin. Touches catalogs only: no row of anybody's is read, written or moved. Holds one lock; safe to run
 * again after a crash at any moment.
 *
 * @param confirm told the plan while the lock is held; throws where it is not to be done
 * @throws BulkheadError `ADOPT_BLOCKED` where nothing can be adopted, `ADOPT_LOCK_TIMEOUT`, `ADOPT_STATEMENT_FAILED`, `ADOPT_NOT_CONVERGING`; what
 *   `inspectAdoption` throws
 */
export async function adopt(options: AdoptOptions, confirm: (plan: AdoptionPlan) => Promise<void> = async () => {}): Promise<AdoptionReport> {
  return withLock(options, async () => {
    const planned = await inspectAdoption(options);
    requirePossible(planned);
    if (planned.steps.length === 0) return { done: planned, after: planned };
    await confirm(planned);
    const after = superuserAfter(options.plan, options.superuser);
    const { signal, progress } = options;
    let left = planned;
    let superuser = options.superuser;
    for (let round = 1; left.steps.length > 0; round++) {
      if (round > MAX_ROUNDS) throw new BulkheadError("ADOPT_NOT_CONVERGING", `after ${MAX_ROUNDS} rounds ${left.steps.length} steps are left: ${left.steps.slice(0, 3).map(({ service, what }) => `${service}: ${what}`).join("; ")}`, { hint: "see that nothing else is connected to the server, and run npx bulkhead adopt again" });
      const isRename = superuser !== after;
      // The name that sessions are opened with changes behind the first step.
      if (isRename) await applySteps(left.steps.slice(0, 1), { ...options, superuser, signal, progress });
      superuser = after;
      await applySteps(isRename ? left.steps.slice(1) : left.steps, { ...options, superuser, signal, progress });
      left = await inspectAdoption({ ...options, superuser });
    }
    return { done: planned, after: left };
  });
}

function requirePossible({ problems, services }: AdoptionPlan): void {
  const blocking = problems.filter(({ service }) => service === null);
  const reported = blocking.length > 0 ? blocking : services.some(({ state }) => state === "to adopt" || state === "adopted") ? [] : problems;
  if (reported.length === 0) return;
  throw new BulkheadError("ADOPT_BLOCKED", `nothing was changed: ${reported.map(({ service, problem }) => (service === null ? problem : `${service}: ${problem}`)).join("\n  ")}`, { hint: reported[0]!.hint });
}

async function withLock<T>({ openSession, superuser }: AdoptOptions, work: () => Promise<T>): Promise<T> {
  return withSuperuserSession(
    () => openSession(AGREED_DATABASE, superuser),
    async (client: Client) => {
      try {
        await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}; SELECT pg_advisory_lock(${ADOPT_LOCK})`);
      } catch (error) {
        if ((error as { code?: string }).code !== "55P03") throw error;
        throw new BulkheadError("ADOPT_LOCK_TIMEOUT", `another adoption has been at work for over ${LOCK_TIMEOUT_MS / 1000} s: ${messageOf(error)}`, { hint: "wait for it to end, or end it", cause: error });
      }
      // The lock goes with the session.
      return work();
    },
  );
}

import { sqlstateOf } from "../pool/errors";
import { closeSession } from "../postgres/connect";
import { applyAlone, applyInTransaction, stepsOf } from "./apply";
import type { Change } from "./change";
import { mapConcurrently, settleAll } from "./concurrency";
import { SESSIONS_AT_ONCE } from "./inspect";
import type { ProvisionOptions } from "./options";
import { AGREED_DATABASE } from "./read-cluster";
import { openAdminSession } from "./session";

/** CREATE DATABASE waits for the disk part of its time; what is done in the databases that are there already fills the rest. */
const CREATE_AT_ONCE = 4;

/** What it takes to make one database and let its compartment's roles in. */
export interface DatabaseCreation {
  readonly service: string;
  /** The change with CREATE DATABASE. */
  readonly create: Change;
  /** Privileges and limit, where they may be set at once. Until then its CONNECTION LIMIT is 0. */
  readonly open: readonly Change[];
}

/**
 * The creations among the changes of a pass, each with what belongs to it. Pure.
 *
 * @param newcomers services whose roles are all new. A role that was there before may have members, which have to go before anybody gets in.
 */
export function creationsOf(changes: readonly Change[], newcomers: ReadonlySet<string>): DatabaseCreation[] {
  return changes.filter(makesDatabase).map((create) => ({
    service: create.service,
    create,
    open: newcomers.has(create.service) ? changes.filter((change) => change !== create && change.service === create.service && change.rule.startsWith("database-")) : [],
  }));
}

function makesDatabase({ rule, statements }: Change): boolean {
  return rule === "database-exists" && statements.some(({ sql }) => sql.startsWith("CREATE DATABASE"));
}

/**
 * Makes databases, and goes on with each as soon as it is there, while others are being made: one side waits for the disk, the other is busy.
 * Making never waits for what follows, so that with few free connections it ends and gives its own back.
 *
 * @param goOn what follows when a service's database is there
 */
export async function createDatabases(creations: readonly DatabaseCreation[], options: ProvisionOptions, goOn: (service: string) => Promise<void>): Promise<void> {
  const made = creations.map(handover);
  const makers = async (): Promise<void> => {
    let next = 0;
    try {
      await mapConcurrently(creations.slice(0, CREATE_AT_ONCE), CREATE_AT_ONCE, async () => {
        const session = await openAdminSession(options, AGREED_DATABASE);
        try {
          while (next < creations.length) {
            options.signal?.throwIfAborted();
            const index = next++;
            const { service, create, open } = creations[index]!;
            for (const step of stepsOf([create])) await applyAlone(session, step).catch(unlessMadeMeanwhile);
            await applyInTransaction(session, stepsOf(open));
            made[index]!.settle(true);
            options.progress?.(`${service}: database made`);
          }
        } finally {
          await closeSession(session);
        }
      });
    } finally {
      // After a failure nobody makes the others.
      for (const { settle } of made) settle(false);
    }
  };
  const following = mapConcurrently(creations, SESSIONS_AT_ONCE, async ({ service }, index) => {
    if (await made[index]!.promise) await goOn(service);
  });
  await settleAll([makers(), following]);
}

/** duplicate_database, and unique_violation where the other one ended while this one was copying. */
const MADE_MEANWHILE = new Set(["42P04", "23505"]);

/**
 * The lock keeps other runs away, but not what one that was killed has left in the server: its session goes on until its CREATE DATABASE, made from the same plan, is done, and
 * hears of its client's end only then. What a run of another plan may have made otherwise, the next look finds.
 */
function unlessMadeMeanwhile(error: unknown): void {
  const code = sqlstateOf((error as { cause?: unknown } | null)?.cause);
  if (code === undefined || !MADE_MEANWHILE.has(code)) throw error;
}

function handover(): { promise: Promise<boolean>; settle: (made: boolean) => void } {
  let settle: (made: boolean) => void = () => {};
  const promise = new Promise<boolean>((resolve) => {
    settle = resolve;
  });
  return { promise, settle };
}

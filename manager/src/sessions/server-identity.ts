import type { Client } from "pg";
import { sqlstateOf } from "../pool/errors";

/** What a server says about itself on a new connection. */
export interface ServerFacts {
  /** It is a standby. */
  readonly inRecovery: boolean;
  /** Given by initdb, the same on all servers of a cluster; undefined where the server does not tell. */
  readonly systemIdentifier: string | undefined;
  /** Goes up with each promotion; undefined where the server does not tell. Of a standby that of its last checkpoint. */
  readonly timeline: number | undefined;
  /** When its main process started, in seconds since the epoch as the server prints them: tells two running servers apart. */
  readonly startedAt: string;
  /** E.g. 170010. */
  readonly versionNumber: number;
  /** `statement_timeout` of the session, in milliseconds; 0 = none. */
  readonly statementTimeoutMs: number;
}

const ALWAYS = `pg_is_in_recovery() AS "inRecovery", extract(epoch FROM pg_postmaster_start_time())::text AS "startedAt",
  current_setting('server_version_num')::int AS "versionNumber", (extract(epoch FROM current_setting('statement_timeout')::interval) * 1000)::int AS "statementTimeoutMs"`;
/** The file name of the current WAL position begins with the timeline in hexadecimal; the control file's would lag behind a promotion until the next checkpoint. */
const IDENTITY = `(SELECT system_identifier::text FROM pg_control_system()) AS "systemIdentifier",
  CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint()) ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END AS "timeline"`;

/** Asks a server who it is; one round trip. Servers without their own WAL (Aurora) or with these functions revoked tell only a part. */
export async function readServerFacts(client: Client): Promise<ServerFacts> {
  try {
    const { rows } = await client.query<ServerFacts>(`SELECT ${ALWAYS}, ${IDENTITY}`);
    return rows[0]!;
  } catch (error) {
    if (!NOT_TOLD.has(sqlstateOf(error) ?? "")) throw error;
    const { rows } = await client.query<ServerFacts>(`SELECT ${ALWAYS}`);
    return { ...rows[0]!, systemIdentifier: undefined, timeline: undefined };
  }
}

/** Feature not supported, privilege missing, function missing, prerequisite missing, and what forks raise for functions they cannot serve. */
const NOT_TOLD = new Set(["0A000", "42501", "42883", "55000", "XX000"]);

/** One server, for as long as its main process lives, as the primary. */
export interface Epoch {
  readonly systemIdentifier: string | undefined;
  readonly timeline: number | undefined;
  readonly startedAt: string;
}

/** What is to be made of a server that answers at the primary's address. */
export type PrimaryVerdict =
  | { readonly verdict: "same" }
  /** Another main process is the primary now: connections to the one before must go first. */
  | { readonly verdict: "new"; readonly epoch: Epoch }
  | { readonly verdict: "refused"; readonly code: "PRIMARY_IN_RECOVERY" | "PRIMARY_STALE" | "PRIMARY_OTHER_CLUSTER" | "PRIMARY_SPLIT"; readonly reason: string };

/**
 * Whether a server may be written to, given the primary that was written to until now.
 *
 * @param current undefined before the first connection
 * @param former start times of servers that were the primary before `current`
 */
export function judgePrimary(current: Epoch | undefined, former: readonly string[], seen: ServerFacts): PrimaryVerdict {
  if (seen.inRecovery) return refused("PRIMARY_IN_RECOVERY", "it is a standby");
  const epoch: Epoch = { systemIdentifier: seen.systemIdentifier, timeline: seen.timeline, startedAt: seen.startedAt };
  if (current === undefined) return { verdict: "new", epoch };
  if (current.systemIdentifier !== undefined && seen.systemIdentifier !== undefined && current.systemIdentifier !== seen.systemIdentifier) {
    return refused("PRIMARY_OTHER_CLUSTER", `its system identifier is ${seen.systemIdentifier}, that of the primary so far ${current.systemIdentifier}`);
  }
  if (seen.startedAt === current.startedAt) return { verdict: "same" };
  const step = seen.timeline === undefined || current.timeline === undefined ? undefined : seen.timeline - current.timeline;
  if (step !== undefined && step < 0) return refused("PRIMARY_STALE", `it is on timeline ${seen.timeline}, and timeline ${current.timeline} was seen already`);
  if (former.includes(seen.startedAt)) return refused("PRIMARY_SPLIT", "it was the primary before, another one took over, and it is back without a restart");
  if (step === 0 && Number(seen.startedAt) < Number(current.startedAt)) return refused("PRIMARY_SPLIT", "it ran already when the primary was started, on the same timeline: these are two servers");
  return { verdict: "new", epoch };
}

function refused(code: Extract<PrimaryVerdict, { verdict: "refused" }>["code"], reason: string): PrimaryVerdict {
  return { verdict: "refused", code, reason };
}

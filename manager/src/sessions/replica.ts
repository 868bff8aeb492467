import type { Client, PoolClient } from "pg";
import { messageOf } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import type { Pool } from "../pool";
import { toError } from "../pool/errors";
import { SessionError } from "./errors";
import { readServerFacts } from "./server-identity";
import type { Epoch, ServerFacts } from "./server-identity";

/** How old a measurement may be before the next session measures again, in milliseconds. */
const MEASURE_EVERY_MS = 1_000;
/** For one measurement, waiting for a connection included, in milliseconds. */
const MEASURE_TIMEOUT_MS = 1_000;
/** How long a replica that failed is left alone: doubles from the first to the second, with jitter. Milliseconds. */
const REST_MIN_MS = 1_000;
const REST_MAX_MS = 30_000;

/** What a standby says of itself to a login without privileges. */
const STANDBY = `SELECT pg_is_in_recovery() AS "inRecovery", (SELECT pid FROM pg_stat_wal_receiver) AS "receiver", (pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()))::float8 AS "unreplayedBytes",
  greatest(0, extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::float8 AS "lastCommitAgeMs"`;

/** What a standby says of itself. */
export interface StandbyFacts {
  readonly inRecovery: boolean;
  /** The WAL receiver's process; null where none is connected to the primary. */
  readonly receiver: number | null;
  /** Received and not replayed; null where nothing was streamed. Negative after a restart until something new arrives: the stream begins at the start of a segment, which is before what was replayed. */
  readonly unreplayedBytes: number | null;
  /** Since the last commit that was replayed; null where there was none. Milliseconds. */
  readonly lastCommitAgeMs: number | null;
}

/**
 * How far a standby is behind, in milliseconds; null where it cannot tell. Where a receiver is connected and all that it received is replayed, nothing is known to be missing: 0. Where the
 * receiver has not brought anything new yet, that holds only once it had the time since the measurement before. Otherwise the age of the last replayed
 * commit, which on a quiet primary grows although nothing is missing: the error is on the safe side.
 *
 * @param before the receiver at the measurement before
 */
export function lagOf({ inRecovery, receiver, unreplayedBytes, lastCommitAgeMs }: StandbyFacts, before: number | null): number | null {
  if (!inRecovery) return 0;
  const complete = receiver !== null && unreplayedBytes !== null && (unreplayedBytes === 0 || (unreplayedBytes < 0 && receiver === before));
  return complete ? 0 : lastCommitAgeMs;
}

/** What is known of a replica. */
export interface ReplicaStatus {
  /** Whether read-only sessions go to it. */
  readonly usable: boolean;
  /** Measured lag plus the age of the measurement, in milliseconds; undefined where nothing is known. */
  readonly lagMs: number | undefined;
  /** Why it is not used. */
  readonly reason: string | undefined;
}

/** A read replica, with the bound up to which it may be behind. */
export class Replica {
  #measured: { readonly lagMs: number; readonly at: number } | undefined;
  #receiver: number | null = null;
  #reason: string | undefined = "not measured yet";
  #restsUntil = -Infinity;
  #restMs = REST_MIN_MS;
  #measuring: Promise<void> | undefined;
  #pool!: Pool;
  readonly #facts = new WeakMap<Client, ServerFacts>();

  /**
   * @param primary who the primary is, as far as is known
   * @param lagMaxMs milliseconds
   */
  constructor(
    private readonly primary: () => Epoch | undefined,
    private readonly lagMaxMs: number,
  ) {}

  get pool(): Pool {
    return this.#pool;
  }

  use(pool: Pool): void {
    this.#pool = pool;
  }

  factsOf(client: Client): ServerFacts | undefined {
    return this.#facts.get(client);
  }

  /** The pool's `validateConnection`. @throws SessionError REPLICA_UNUSABLE */
  readonly validate = async (client: Client): Promise<void> => {
    const facts = await readServerFacts(client);
    const primary = this.primary();
    if (primary?.systemIdentifier !== undefined && facts.systemIdentifier !== undefined && primary.systemIdentifier !== facts.systemIdentifier) {
      throw new SessionError("REPLICA_UNUSABLE", `The replica belongs to another cluster (system identifier ${facts.systemIdentifier}) than the primary (${primary.systemIdentifier}).`, "Mend READ_REPLICA_URL.");
    }
    if (!facts.inRecovery && primary !== undefined && primary.startedAt !== facts.startedAt) {
      throw new SessionError("REPLICA_UNUSABLE", "The replica is a standby no more: it was promoted, and is not the server that is written to.", "See which server is the primary, and mend DATABASE_URL and READ_REPLICA_URL.");
    }
    this.#facts.set(client, facts);
  };

  /** Whether a session may read from it now. Measures where the last measurement is old; never rejects. */
  async usable(): Promise<boolean> {
    const nowMs = performance.now();
    if (nowMs < this.#restsUntil) return false;
    if (this.#measured === undefined || nowMs - this.#measured.at >= MEASURE_EVERY_MS) {
      this.#measuring ??= this.#measure().finally(() => (this.#measuring = undefined));
      await this.#measuring;
    }
    return this.status().usable;
  }

  /** A session could not be run on it. */
  failed(error: unknown): void {
    this.#measured = undefined;
    this.#reason = redact(messageOf(error)).slice(0, 300);
    this.#restsUntil = performance.now() + this.#restMs * (0.5 + Math.random() / 2);
    this.#restMs = Math.min(REST_MAX_MS, this.#restMs * 2);
  }

  status(): ReplicaStatus {
    if (this.#measured === undefined) return { usable: false, lagMs: undefined, reason: this.#reason };
    // It may have fallen behind by all the time since.
    const lagMs = this.#measured.lagMs + performance.now() - this.#measured.at;
    if (lagMs > this.lagMaxMs) return { usable: false, lagMs, reason: `it may be ${Math.round(lagMs)} ms behind, more than ${this.lagMaxMs} ms` };
    return { usable: true, lagMs, reason: undefined };
  }

  async #measure(): Promise<void> {
    let client: PoolClient | undefined;
    try {
      const at = performance.now();
      client = await this.#pool.acquire({ timeoutMs: MEASURE_TIMEOUT_MS, priority: "high" });
      const { rows } = await client.query<StandbyFacts>({ text: STANDBY, query_timeout: MEASURE_TIMEOUT_MS } as { text: string });
      client.release();
      client = undefined;
      const facts = rows[0]!;
      const known = lagOf(facts, this.#receiver);
      this.#receiver = facts.receiver;
      this.#restMs = REST_MIN_MS;
      this.#measured = known === null ? undefined : { lagMs: known, at };
      this.#reason = known === null ? "it does not know how far it is behind" : undefined;
      if (known === null) this.#restsUntil = performance.now() + MEASURE_EVERY_MS;
    } catch (error) {
      client?.release(toError(error));
      this.failed(error);
    }
  }
}

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

/**
 * How far a standby is behind, in milliseconds; null where it cannot tell. All that was received is replayed and a receiver runs: nothing is known to be missing.
 * Otherwise the age of the last replayed commit, which on a quiet primary grows although nothing is missing: the error is on the safe side.
 */
const LAG = `SELECT pg_is_in_recovery() AS "inRecovery",
  CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() AND EXISTS (SELECT FROM pg_stat_wal_receiver WHERE pid IS NOT NULL) THEN 0
       ELSE greatest(0, extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::float8 END AS "lagMs"`;

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
      const { rows } = await client.query<{ inRecovery: boolean; lagMs: number | null }>({ text: LAG, query_timeout: MEASURE_TIMEOUT_MS } as { text: string });
      client.release();
      client = undefined;
      const { inRecovery, lagMs } = rows[0]!;
      const known = inRecovery ? lagMs : 0;
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

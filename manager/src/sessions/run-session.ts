import type { AsyncLocalStorage } from "node:async_hooks";
import type { Client, PoolClient } from "pg";
import { classifyError } from "../errors/classify";
import type { Pool } from "../pool";
import { sqlstateOf, toError } from "../pool/errors";
import type { SessionCounters } from "./counters";
import { Deadline } from "./deadline";
import { SessionError } from "./errors";
import type { ResolvedSessionOptions } from "./options";
import type { PrimaryGuard } from "./primary-guard";
import type { Replica } from "./replica";
import type { ServerFacts } from "./server-identity";
import { Session, nestedActive } from "./session";
import { SESSION_TRANSITIONS, StateMachine } from "./states";
import type { SessionEvent, SessionState, Transition } from "./states";
import { Transaction, abortedError } from "./transaction";

/** The pools that sessions run on, until `reinitialize` puts others in their place. */
export interface Databases {
  readonly primary: Pool;
  readonly guard: PrimaryGuard;
  readonly replica: Replica | undefined;
}

/** What a session needs of its manager. */
export interface SessionHost {
  readonly databases: Databases;
  readonly current: AsyncLocalStorage<Session>;
  readonly counters: SessionCounters;
  /** Wraps the opening of a transaction, e.g. in a circuit breaker. */
  readonly guarded: <T>(open: () => Promise<T>) => Promise<T>;
  /** Undefined while nobody listens. */
  readonly onTransition: ((operation: string, transition: Transition<SessionState, SessionEvent>) => void) | undefined;
  /** ROLLBACK failed. */
  readonly onRollbackFailed: (operation: string, error: SessionError) => void;
  readonly onFailed: (operation: string, error: unknown) => void;
}

/** How one session differs from others of the same options. */
export interface RunMode {
  /** The function may be run again within the session, where nothing was written. */
  readonly repeatable: boolean;
  readonly writeSent?: () => void;
  readonly commitSent?: () => void;
}

type Work<T> = (session: Session) => Promise<T> | T;
type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown; readonly at: "acquire" | "begin" | "operation" | "commit"; readonly stale: boolean };

/**
 * One outermost session, from the wait for a connection to its return; the steps are those of SESSION_TRANSITIONS. It begins anew at most three
 * times: after a stale primary was found out, when a connection was dead at BEGIN, and on the primary after the replica failed.
 */
export async function runSession<T>(host: SessionHost, options: ResolvedSessionOptions, work: Work<T>, mode: RunMode): Promise<T> {
  return new SessionRun(host, options, work, mode).run();
}

class SessionRun<T> {
  readonly #startedAt = performance.now();
  readonly #machine: StateMachine<SessionState, SessionEvent>;
  readonly #deadline: Deadline;
  #transaction: Transaction | undefined;
  #needsPerson = false;

  constructor(
    private readonly host: SessionHost,
    private readonly options: ResolvedSessionOptions,
    private readonly work: Work<T>,
    private readonly mode: RunMode,
  ) {
    const { onTransition } = host;
    this.#machine = new StateMachine(SESSION_TRANSITIONS, "acquiring", onTransition === undefined ? undefined : (transition) => onTransition(options.operation, transition));
    this.#deadline = new Deadline(options.deadlineMs, () => this.#transaction?.busy ?? false, () => this.#transaction?.expire());
    host.counters.begun();
  }

  async run(): Promise<T> {
    const { counts } = this.host.counters;
    // Kept for the whole session: `reinitialize` may exchange them meanwhile.
    const { databases } = this.host;
    const wanted = this.options.readOnly ? databases.replica : undefined;
    let replica = (await wanted?.usable()) === true ? wanted : undefined;
    if (replica !== undefined) counts.replicaReads++;
    else if (wanted !== undefined) counts.replicaFallbacks++;
    let mayReconnect = true;
    let mayLeaveStale = true;
    for (;;) {
      const outcome = await this.#attempt(databases, replica);
      if (outcome.ok) {
        this.#record(true);
        return outcome.value;
      }
      const { error, at, stale } = outcome;
      if (replica !== undefined && this.#replicaIsAtFault(error, at)) {
        replica.failed(error);
        replica = undefined;
        counts.replicaFallbacks++;
        if (this.#again(at)) continue;
      } else if (stale && mayLeaveStale) {
        mayLeaveStale = false;
        counts.stalePrimaries++;
        if (this.#again(at)) continue;
      } else if (mayReconnect && at === "begin" && classifyError(error).class === "connection") {
        mayReconnect = false;
        counts.reconnects++;
        if (this.#again(at)) continue;
      }
      this.#record(false, error, at);
      throw error;
    }
  }

  async #attempt(databases: Databases, replica: Replica | undefined): Promise<Outcome<T>> {
    const machine = this.#machine;
    const pool = replica?.pool ?? databases.primary;
    let transaction: Transaction;
    try {
      transaction = await this.host.guarded(() => this.#open(pool, (client) => (replica ?? databases.guard).factsOf(client)));
    } catch (error) {
      return this.#notOpened(error);
    }
    machine.fire("done");
    const { counters, current } = this.host;
    const observer = { savepoint: () => void counters.counts.savepoints++, writeSent: () => this.mode.writeSent?.() };
    const session = new Session(transaction, current, observer, this.options.operation, this.options.readOnly);
    let value: T;
    try {
      value = await Promise.race([current.run(session, async () => this.work(session)), transaction.failed]);
      if (session.hasNested) throw nestedActive(this.options.operation);
    } catch (error) {
      session.end();
      return this.#rollBack(transaction, transaction.failure ?? this.#asDeadline(error), replica === undefined ? databases.guard : undefined);
    }
    session.end();
    machine.fire("done");
    try {
      await transaction.commit(() => this.mode.commitSent?.());
    } catch (error) {
      return this.#notCommitted(transaction, error);
    }
    machine.fire("done");
    transaction.end(undefined);
    return { ok: true, value };
  }

  async #open(pool: Pool, factsOf: (client: Client) => ServerFacts | undefined): Promise<Transaction> {
    const { options } = this;
    const client: PoolClient = await pool.acquire({
      priority: options.priority,
      user: options.user,
      signal: options.signal,
      timeoutMs: Math.min(this.#deadline.remainingMs, acquireTimeoutOf(pool)),
      // Whatever the function leaves on the session is dropped. Behind a transaction pooler there is no session to leave anything on.
      session: pool.options.pooler !== "transaction",
    });
    this.#machine.fire("done");
    const transaction = new Transaction(client, pool, options, this.#deadline);
    this.#transaction = transaction;
    if (this.#deadline.passed) transaction.expire();
    try {
      await transaction.begin(factsOf(client));
      return transaction;
    } catch (error) {
      transaction.end(toError(transaction.failure ?? error));
      throw transaction.failure ?? error;
    }
  }

  #notOpened(error: unknown): Outcome<T> {
    const acquired = this.#machine.state === "beginning";
    this.#machine.fire("fail");
    if (acquired) this.#machine.fire("destroy");
    const code = (error as { code?: unknown }).code;
    const stale = code === "PRIMARY_IN_RECOVERY" || code === "PRIMARY_STALE";
    return { ok: false, error: code === "POOL_ACQUIRE_ABORTED" ? abortedError(this.options) : error, at: acquired ? "begin" : "acquire", stale };
  }

  async #rollBack(transaction: Transaction, error: unknown, guard: PrimaryGuard | undefined): Promise<Outcome<T>> {
    const machine = this.#machine;
    machine.fire("fail");
    let stale = false;
    let broken: Error | undefined = toError(error);
    if (!transaction.canRollBack) {
      machine.fire("destroy");
      transaction.discard(broken);
    } else {
      machine.fire("roll-back");
      try {
        await transaction.rollBack();
        machine.fire("done");
        broken = undefined;
      } catch (cause) {
        machine.fire("fail");
        this.#rollbackFailed(error, cause);
        machine.fire("destroy");
      }
      if (broken === undefined && guard !== undefined && !this.options.readOnly && sqlstateOf(error) === "25006") {
        stale = await guard.foundReadOnly(transaction.client).catch(() => false);
      }
    }
    transaction.end(broken);
    return { ok: false, error, at: "operation", stale };
  }

  #rollbackFailed(error: unknown, cause: unknown): void {
    const { operation } = this.options;
    this.#needsPerson = true;
    this.host.counters.counts.rollbacksFailed++;
    this.host.onRollbackFailed(operation, new SessionError("ROLLBACK_FAILED", `The transaction of "${operation}" failed, and so did its ROLLBACK. The connection was closed; the server rolls back when it notices.`, "See in pg_stat_activity that the backend is gone.", new AggregateError([cause, error], "ROLLBACK failed")));
  }

  #notCommitted(transaction: Transaction, error: unknown): Outcome<T> {
    const { code } = error as { code?: unknown };
    const unknown = code === "COMMIT_OUTCOME_UNKNOWN";
    this.#needsPerson ||= unknown;
    this.#machine.fire(unknown ? "unknown" : "fail");
    this.#machine.fire(unknown ? "destroy" : "roll-back");
    // A server that says why has ended the transaction, and serves on.
    const answered = code === "SESSION_NOT_COMMITTED" || (sqlstateOf(error) !== undefined && classifyError(error).connectionUsable);
    transaction.end(answered && transaction.failure === undefined ? undefined : toError(error));
    return { ok: false, error: unknown ? error : this.#asDeadline(error), at: "commit", stale: false };
  }

  /** The server may have seen the deadline first. */
  #asDeadline(error: unknown): unknown {
    const sqlstate = sqlstateOf(error);
    if (sqlstate === undefined || !TIMEOUTS.has(sqlstate) || this.#deadline.remainingMs > EARLY_MS) return error;
    const { operation, deadlineMs } = this.options;
    return new SessionError("SESSION_DEADLINE", `"${operation}" did not end within its deadline of ${deadlineMs} ms; nothing was committed.`, "Find what is slow, do less in one session, or raise deadlineMs.", error);
  }

  /** Whether the replica's error is one that the primary would not have given. */
  #replicaIsAtFault(error: unknown, at: string): boolean {
    if (at === "acquire" || at === "begin") return (error as { code?: unknown }).code !== "SESSION_ABORTED";
    const { class: errorClass } = classifyError(error);
    // 40001 on a standby: the query was in the way of replay.
    return errorClass === "connection" || (at === "operation" && sqlstateOf(error) === "40001");
  }

  /** Begins once more, where the function may be run again and there is time. */
  #again(at: string): boolean {
    if (!this.#machine.may("retry")) return false;
    const worked = at === "operation" || at === "commit";
    if ((worked && !this.mode.repeatable) || this.#deadline.passed || this.options.signal?.aborted === true) return false;
    this.#transaction = undefined;
    this.#machine.fire("retry");
    return true;
  }

  #record(ok: boolean, error?: unknown, at?: string): void {
    this.#deadline.stop();
    const { counters } = this.host;
    const { operation } = this.options;
    const code = (error as { code?: unknown } | undefined)?.code;
    if (at === "acquire") counters.counts.notAcquired++;
    else if (code === "COMMIT_OUTCOME_UNKNOWN") counters.counts.commitsUnknown++;
    else if (at === "commit") counters.counts.commitsRefused++;
    if (code === "SESSION_DEADLINE") counters.counts.deadlines++;
    else if (code === "SESSION_ABORTED") counters.counts.aborted++;
    counters.ended(operation, performance.now() - this.#startedAt, ok);
    this.#machine.fire(this.#machine.may("record") ? "record" : "done");
    this.#machine.fire(ok ? "done" : this.#needsPerson ? "alert" : "fail");
    if (!ok) this.host.onFailed(operation, error);
  }
}

/** Statement, transaction and idle-in-transaction time-outs of the server. */
const TIMEOUTS = new Set(["57014", "25P03", "25P04"]);
/** A server's clock that is this much early still means the deadline. Milliseconds. */
const EARLY_MS = 10;

function acquireTimeoutOf({ options }: Pool): number {
  return options.acquireTimeoutMs ?? (options.connectionTimeoutMillis || 5_000);
}

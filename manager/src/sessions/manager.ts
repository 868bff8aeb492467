import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter } from "node:events";
import type { QueryConfig, QueryConfigValues, QueryResult, QueryResultRow } from "pg";
import type { CircuitBreaker } from "../errors/circuit-breaker";
import { classifyError } from "../errors/classify";
import type { EscalationPolicy } from "../errors/escalation-policy";
import { retry } from "../errors/retry";
import { RetryBudget } from "../errors/retry-budget";
import type { Pool, PoolStats } from "../pool";
import { toError } from "../pool/errors";
import { closeDatabases } from "./config";
import { SessionCounters } from "./counters";
import type { OperationCounts, SessionCounts } from "./counters";
import { marginOf } from "./deadline";
import { SessionError } from "./errors";
import { checkHealth } from "./health";
import type { ManagerHealth } from "./health";
import { resolveSessionOptions } from "./options";
import type { SessionOptions } from "./options";
import type { PrimaryChange } from "./primary-guard";
import type { ReplicaStatus } from "./replica";
import { runSession } from "./run-session";
import type { Databases, RunMode, SessionHost } from "./run-session";
import type { Session } from "./session";
import { start } from "./start";
import type { StartFailure, StartOptions } from "./start";
import { MANAGER_TRANSITIONS, StateMachine } from "./states";
import type { ManagerEvent, ManagerState, SessionEvent, SessionState, Transition } from "./states";

/** What a manager is made of. */
export interface DatabaseManagerOptions extends StartOptions {
  /** Counts failed sessions and the integrity alert, and tells a person. Default: nobody is told. */
  readonly escalation?: EscalationPolicy;
  /** Guards the opening of every transaction; open, sessions fail at once with BREAKER_OPEN. Default: none. */
  readonly breaker?: CircuitBreaker;
}

/** How `executeWithRetry` repeats. */
export interface RetryLimits {
  /** Attempts in all. Default 3, floor 1. */
  readonly attemptsMax?: number;
}

/** What a manager has counted. */
export interface ManagerMetrics {
  readonly sessions: SessionCounts;
  /** By operation; from the 201st on together as "(other)". */
  readonly operations: Readonly<Record<string, OperationCounts>>;
  readonly primary: PoolStats | undefined;
  readonly replica: (PoolStats & ReplicaStatus) | undefined;
}

/** One step of a state machine, as the event "transition" tells it. */
export type TransitionNotice =
  | ({ readonly machine: "manager" } & Transition<ManagerState, ManagerEvent>)
  | ({ readonly machine: "session"; readonly operation: string } & Transition<SessionState, SessionEvent>);

/** What a `DatabaseManager` emits. A listener that throws disturbs nobody. */
export interface ManagerEvents {
  /** A state machine took a step (see states.ts). */
  readonly transition: [notice: TransitionNotice];
  /** A step at start failed. */
  readonly "start-failure": [failure: StartFailure];
  /** ROLLBACK failed: somebody should look whether anything is left of it. */
  readonly integrity: [alert: { readonly operation: string; readonly error: SessionError }];
  /** Another server process is the primary; the first time `from` is undefined. */
  readonly primary: [change: PrimaryChange];
}

/** Beyond a session's deadline and margin, before its end is not waited for any more; never reached. Milliseconds. */
const BACKSTOP_MS = 5_000;

/**
 * A service's way to its database: pools, sessions, start and end. Make one per database, `open` it, `close` it.
 *
 * A session is a transaction with a deadline on a connection of its own; `session` inside another one's function is a savepoint in it.
 */
export class DatabaseManager extends EventEmitter<{ -readonly [Key in keyof ManagerEvents]: ManagerEvents[Key] }> {
  readonly #options: DatabaseManagerOptions;
  readonly #machine = new StateMachine(MANAGER_TRANSITIONS, "new", (transition) => this.#tell("transition", { machine: "manager", ...transition }));
  readonly #counters = new SessionCounters();
  readonly #current = new AsyncLocalStorage<Session>();
  readonly #budget = new RetryBudget();
  readonly #ending = new AbortController();
  #databases: Databases | undefined;
  #starting: Promise<this> | undefined;
  #closed: Promise<void> | undefined;
  #lastFailure: { readonly atMs: number; readonly operation: string; readonly message: string } | undefined;

  constructor(options: DatabaseManagerOptions) {
    super();
    this.#options = options;
  }

  get state(): ManagerState {
    return this.#machine.state;
  }

  /** The pool of the primary, for libraries that want one. What runs on it directly is no session: no transaction, no deadline, no counting. */
  get pool(): Pool {
    return this.#ready().primary;
  }

  /** The session whose function is running here. */
  get currentSession(): Session | undefined {
    return this.#current.getStore();
  }

  /**
   * Loads the configuration, tests the connection, sees that the pool fits under the login's CONNECTION LIMIT, initialises the schema and starts monitoring. A second call waits for the first.
   *
   * @throws SessionError MANAGER_CONFIG_FAILED, MANAGER_CONNECT_FAILED, MANAGER_SCHEMA_FAILED, MANAGER_CLOSED; DatabaseUrlError; PoolError POOL_OPTIONS_INVALID; BulkheadError CONFIG_POOL_OVER_BUDGET
   */
  open(): Promise<this> {
    if (this.#closed !== undefined) return Promise.reject(closedError());
    if (this.#databases !== undefined && this.#starting === undefined) return Promise.resolve(this);
    return (this.#starting ??= this.#start(this.#machine.may("open") ? "open" : "reinitialize"));
  }

  /** The same as `open`. */
  initialize(): Promise<this> {
    return this.open();
  }

  /**
   * Loads the configuration anew and puts new pools in the place of the old. Sessions that run end on the old ones; where the new ones cannot be made, the old
   * ones serve on and this rejects. The way out of `manual-intervention`.
   *
   * @throws as `open`
   */
  reinitialize(): Promise<this> {
    if (this.#closed !== undefined) return Promise.reject(closedError());
    return (this.#starting ??= this.#start(this.#machine.may("reinitialize") ? "reinitialize" : "open"));
  }

  /**
   * Runs `run` in a transaction and commits it when `run` returns; rolls back when it throws. Called inside another session's function it is a savepoint of that one.
   * After a stale primary was found out, and after the replica failed, `run` is called a second time; nothing was written then.
   *
   * @throws SessionError SESSION_DEADLINE, SESSION_ABORTED, SESSION_NOT_COMMITTED, COMMIT_OUTCOME_UNKNOWN, PRIMARY_*, MANAGER_NOT_READY, MANAGER_CLOSED;
   *   PoolError; BreakerOpenError; what `run` throws; what the server answers to COMMIT
   */
  session<T>(options: SessionOptions, run: (session: Session) => Promise<T> | T): Promise<T> {
    return this.runSession(options, run, { repeatable: true });
  }

  /** `session` whose function must not be called twice. */
  sessionOnce<T>(options: SessionOptions, run: (session: Session) => Promise<T> | T): Promise<T> {
    return this.runSession(options, run, { repeatable: false });
  }

  /** `session` with `readOnly`: on the replica where it is fresh enough, else on the primary. */
  readOnly<T>(options: Omit<SessionOptions, "readOnly">, run: (session: Session) => Promise<T> | T): Promise<T> {
    return this.session({ ...options, readOnly: true }, run);
  }

  /**
   * One statement: in the current session where there is one, else on its own on the primary. Never repeated.
   *
   * @throws as `Pool.query` and `Session.query`
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as in node-postgres' types
  query<R extends QueryResultRow = any, I = any[]>(textOrConfig: string | QueryConfig<I>, values?: QueryConfigValues<I>): Promise<QueryResult<R>> {
    const session = this.#current.getStore();
    if (session !== undefined && !session.over) return session.query<R, I>(textOrConfig, values);
    try {
      return this.#ready().primary.query<R, I>(textOrConfig, values);
    } catch (error) {
      return Promise.reject(toError(error));
    }
  }

  /**
   * `session`, begun again with full jitter after errors that a repetition mends (deadlock, serialization failure, no connection), from a budget that all calls of this manager share. After
   * a lost connection only where nothing was sent that may write, or with `idempotent`. An unknown COMMIT is never repeated. `deadlineMs` covers all attempts.
   * Nested in another session it runs once: only the outermost can be repeated.
   *
   * @throws as `session`, and BulkheadError RETRY_DEADLINE, RETRY_ABORTED
   */
  executeWithRetry<T>(options: SessionOptions & RetryLimits, run: (session: Session) => Promise<T> | T): Promise<T> {
    const { attemptsMax, ...sessionOptions } = options;
    if (this.#outer() !== undefined) return this.session(sessionOptions, run);
    const { deadlineMs, idempotent = false } = resolveSessionOptions(sessionOptions);
    const endsAt = performance.now() + deadlineMs;
    return retry(
      (attempt) => {
        if (attempt.number > 1) this.#counters.counts.retries++;
        const left = Math.max(1, endsAt - performance.now());
        return this.runSession({ ...sessionOptions, deadlineMs: left }, run, { repeatable: true, writeSent: () => attempt.writeSent(), commitSent: () => attempt.commitSent() });
      },
      // Deadline and signal are the session's: when it ends it is committed, rolled back, or known to be unknown, which a retry that left it alone could not say.
      { idempotent, budget: this.#budget, deadlineMs: deadlineMs + marginOf(deadlineMs) + BACKSTOP_MS, ...(attemptsMax === undefined ? {} : { attemptsMax }) },
    );
  }

  /** How it is: asks the primary, for at most a second. Never rejects. */
  health(): Promise<ManagerHealth> {
    return checkHealth(this.state, this.#databases, this.#counters.counts, this.#lastFailure);
  }

  /** What was counted since this manager was made, and what the pools hold now. */
  metrics(): ManagerMetrics {
    const replica = this.#databases?.replica;
    return {
      sessions: { ...this.#counters.counts },
      operations: this.#counters.operations(),
      primary: this.#databases?.primary.stats(),
      replica: replica === undefined ? undefined : { ...replica.pool.stats(), ...replica.status() },
    };
  }

  /** Lets nobody in any more, gives sessions that run `graceMs` (default: the pool's `shutdownGraceMs`) and then destroys their connections. Always ends. */
  close({ graceMs }: { readonly graceMs?: number | undefined } = {}): Promise<void> {
    return (this.#closed ??= this.#close(graceMs));
  }

  private runSession<T>(options: SessionOptions, run: (session: Session) => Promise<T> | T, mode: RunMode): Promise<T> {
    try {
      const outer = this.#outer();
      if (outer !== undefined) return outer.nested(options, run);
      return runSession(this.#host(), resolveSessionOptions(options), run, mode);
    } catch (error) {
      return Promise.reject(toError(error));
    }
  }

  /** The session that one begun here is nested in. One that ended by itself is none; one that failed still is, so that nothing is written behind its back. */
  #outer(): Session | undefined {
    const session = this.#current.getStore();
    return session === undefined || session.over ? undefined : session;
  }

  #ready(): Databases {
    if (this.#closed !== undefined) throw closedError();
    if (this.#databases === undefined) throw new SessionError("MANAGER_NOT_READY", `The database manager is not ready (${this.state}).`, "Await open() first, and see its error.");
    return this.#databases;
  }

  #host(): SessionHost {
    const { breaker } = this.#options;
    return {
      databases: this.#ready(),
      current: this.#current,
      counters: this.#counters,
      guarded: breaker === undefined ? (open) => open() : (open) => breaker.execute(open),
      onTransition: this.listenerCount("transition") === 0 ? undefined : (operation, transition) => this.#tell("transition", { machine: "session", operation, ...transition }),
      onRollbackFailed: (operation, error) => {
        this.#options.escalation?.record({ ...classifyError(error), class: "integrity", kind: "rollback-failed", severity: "critical", userImpact: "data-at-risk", escalate: true, retry: "never", retryable: false }, { operation });
        this.#tell("integrity", { operation, error });
      },
      onFailed: (operation, error) => {
        const classified = classifyError(error);
        this.#lastFailure = { atMs: Date.now(), operation, message: classified.message };
        this.#options.escalation?.record(classified, { operation });
      },
    };
  }

  async #start(event: "open" | "reinitialize"): Promise<this> {
    try {
      this.#machine.fire(event);
      const before = this.#databases;
      const databases = await start(this.#options, {
        machine: this.#machine,
        keeps: before !== undefined,
        signal: this.#ending.signal,
        onFailure: (failure) => this.#tell("start-failure", failure),
        onPrimaryChange: (change) => this.#tell("primary", change),
      });
      if (this.#closed !== undefined) {
        await closeDatabases(databases, 0);
        throw closedError();
      }
      this.#databases = databases;
      // Not waited for: what runs on it ends within its grace.
      if (before !== undefined) void closeDatabases(before, undefined);
      return this;
    } finally {
      this.#starting = undefined;
    }
  }

  async #close(graceMs: number | undefined): Promise<void> {
    this.#ending.abort();
    await this.#starting?.catch(() => undefined);
    this.#machine.fire("close");
    if (this.#databases !== undefined) await closeDatabases(this.#databases, graceMs);
    this.#machine.fire("done");
  }

  #tell<Name extends keyof ManagerEvents>(name: Name, ...args: ManagerEvents[Name]): void {
    try {
      (this.emit as (name: string, ...args: unknown[]) => boolean).call(this, name, ...args);
    } catch {
      // A listener's fault is not the session's.
    }
  }
}

function closedError(): SessionError {
  return new SessionError("MANAGER_CLOSED", "The database manager is closed.", "Make a new one.");
}

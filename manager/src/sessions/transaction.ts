import type { PoolClient } from "pg";
import { messageOf } from "../errors/bulkhead-error";
import type { Pool } from "../pool";
import { destroySocket } from "../pool/connection";
import type { ClientInternals } from "../pool/connection";
import type { Deadline } from "./deadline";
import { SessionError, commitUnknown } from "./errors";
import type { ResolvedSessionOptions } from "./options";

/** How long ROLLBACK may take, in milliseconds. */
const ROLLBACK_TIMEOUT_MS = 1_000;
/** From this version on Postgres has `transaction_timeout`. */
const HAS_TRANSACTION_TIMEOUT = 170_000;

type Phase = "beginning" | "operating" | "committing" | "ended";

/** What the server said about itself and matters to a transaction's limits. */
interface ServerLimits {
  readonly versionNumber: number;
  readonly statementTimeoutMs: number;
}

/** One transaction on one connection: its limits, and every way in which it ends. */
export class Transaction {
  phase: Phase = "beginning";
  /** Why it cannot go on: its connection is destroyed. */
  failure: Error | undefined;
  /** Rejects with `failure`. */
  readonly failed: Promise<never>;
  /** Aborted when it cannot go on. */
  readonly signal: AbortSignal;
  /** Something was sent that may have written. */
  wrote = false;
  #savepoints = 0;
  #pending = 0;
  #last: Promise<void> = Promise.resolve();
  #reject!: (error: Error) => void;
  readonly #controller = new AbortController();
  readonly #onAbort = (): void => this.#abort();
  /** A connection that dies between two statements ends the session at once. What becomes of a COMMIT is for its own answer to say. */
  readonly #onError = (error: Error): void => {
    if (this.phase !== "committing") this.fail(error);
  };
  /** The pool closed the connection under it, since it is being closed itself. */
  readonly #onEnd = (): void => this.#onError(new SessionError("SESSION_ABORTED", `The connection of "${this.options.operation}" was closed with its pool; nothing was committed.`));

  constructor(
    readonly client: PoolClient,
    private readonly pool: Pool,
    readonly options: ResolvedSessionOptions,
    readonly deadline: Deadline,
  ) {
    this.signal = this.#controller.signal;
    this.failed = new Promise<never>((_resolve, reject) => (this.#reject = reject));
    // Somebody waits for it only while the function runs.
    this.failed.catch(() => undefined);
    client.on("error", this.#onError);
    client.on("end", this.#onEnd);
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (options.signal?.aborted) this.#abort();
  }

  /** A statement is running, or waits for the one that is. */
  get busy(): boolean {
    return this.#pending > 0 || Boolean((this.client as unknown as ClientInternals)._activeQuery);
  }

  /** Runs a statement after those that were sent before: node-postgres is about to refuse two at once. */
  send<T>(statement: () => Promise<T>): Promise<T> {
    const run = this.#pending === 0 ? statement() : this.#last.then(() => (this.failure === undefined ? statement() : Promise.reject(this.failure)));
    this.#pending++;
    const ended = (): void => void this.#pending--;
    this.#last = run.then(ended, ended);
    return run;
  }

  /** "I" = the server is in no transaction, "E" = in a failed one. After an error it is only known when the server is ready again. */
  get status(): "I" | "T" | "E" {
    return (this.client as unknown as ClientInternals).getTransactionStatus?.() ?? "T";
  }

  /** BEGIN and the limits, in one round trip. */
  async begin(limits: ServerLimits | undefined): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    const { isolation, readOnly } = this.options;
    const characteristics = `${isolation === undefined ? "" : ` ISOLATION LEVEL ${ISOLATION[isolation]}`}${readOnly ? " READ ONLY" : ""}`;
    const roleLimitMs = limits?.statementTimeoutMs ?? 0;
    // The role's own limit is only ever lowered.
    const statementMs = roleLimitMs > 0 ? Math.min(roleLimitMs, this.deadline.remainingMs) : this.deadline.remainingMs;
    const settings = [`SET LOCAL statement_timeout = ${statementMs}`];
    // A backstop for when this process cannot cancel: it ends the session, also one that is idle.
    const wholeMs = this.deadline.serverLimitMs;
    if ((limits?.versionNumber ?? 0) >= HAS_TRANSACTION_TIMEOUT) settings.push(`SET LOCAL transaction_timeout = ${wholeMs}`);
    settings.push(`SET LOCAL idle_in_transaction_session_timeout = ${wholeMs}`);
    await Promise.race([this.client.query(`BEGIN${characteristics}; ${settings.join("; ")}`), this.failed]);
    this.phase = "operating";
  }

  /** The deadline passed. A COMMIT that is on its way is not cancelled but cut off: its outcome is unknown. */
  expire(): void {
    this.fail(new SessionError("SESSION_DEADLINE", `"${this.options.operation}" did not end within its deadline of ${this.options.deadlineMs} ms; nothing was committed.`, "Find what is slow, do less in one session, or raise deadlineMs."));
  }

  /** Ends the transaction at once: what runs is cancelled, the connection destroyed. Harmless after its end. */
  fail(error: Error): void {
    if (this.phase === "ended" || this.failure !== undefined) return;
    this.failure = error;
    if (this.phase !== "committing" && this.busy) this.pool.cancel(this.client, error);
    else destroySocket(this.client, error);
    this.#controller.abort(error);
    this.#reject(error);
  }

  nextSavepoint(): string {
    this.#savepoints += 1;
    return `session_${this.#savepoints}`;
  }

  /**
   * COMMIT.
   *
   * @param onSend called right before it is sent
   * @throws SessionError COMMIT_OUTCOME_UNKNOWN, SESSION_NOT_COMMITTED; or the server's error, upon which it has rolled back
   */
  async commit(onSend: () => void): Promise<void> {
    await this.#last;
    if (this.deadline.passed) this.expire();
    if (this.failure !== undefined) throw this.failure;
    this.phase = "committing";
    onSend();
    let command: string;
    try {
      ({ command } = await this.client.query("COMMIT"));
    } catch (error) {
      if ((error as { code?: unknown }).code === "POOL_COMMIT_UNKNOWN") throw commitUnknown(this.options.operation, error);
      throw error;
    }
    if (command !== "COMMIT") {
      throw new SessionError(
        "SESSION_NOT_COMMITTED",
        `"${this.options.operation}" was rolled back by the server: one of its statements had failed, and the error was not passed on.`,
        "Let errors of statements leave the function, or run what may fail in a nested session.",
      );
    }
  }

  /** Neither did its socket fail, nor has the server said its last word on it. */
  get connected(): boolean {
    return this.failure === undefined && (this.client as unknown as ClientInternals)._queryable !== false;
  }

  /** The connection still serves for a ROLLBACK: it lives, and no statement that nobody waited for is running on it. */
  get canRollBack(): boolean {
    return this.connected && !this.busy;
  }

  /** ROLLBACK, bounded to a second. */
  async rollBack(): Promise<void> {
    if (this.status !== "I") await this.client.query({ text: "ROLLBACK", query_timeout: ROLLBACK_TIMEOUT_MS } as { text: string });
  }

  /** Closes the connection instead, since `error` ended the session: the server rolls back when it notices. What still runs is cancelled. */
  discard(error: Error): void {
    if (this.failure !== undefined) return;
    if (this.busy) this.pool.cancel(this.client, error);
    else destroySocket(this.client);
  }

  /** Gives the connection back; with an error it is closed. */
  end(error: Error | undefined): void {
    this.phase = "ended";
    this.deadline.stop();
    this.options.signal?.removeEventListener("abort", this.#onAbort);
    this.client.off("error", this.#onError);
    this.client.off("end", this.#onEnd);
    this.client.release(error);
  }

  #abort(): void {
    if (this.phase === "committing" || this.phase === "ended") return;
    this.fail(abortedError(this.options));
  }
}

/** The error for a session that its caller called off. */
export function abortedError({ operation, signal }: ResolvedSessionOptions): SessionError {
  const reason: unknown = signal?.reason;
  return new SessionError("SESSION_ABORTED", `"${operation}" was called off by its caller${reason === undefined ? "" : ` (${messageOf(reason).slice(0, 200)})`}; nothing was committed.`, undefined, reason);
}

const ISOLATION = { "read committed": "READ COMMITTED", "repeatable read": "REPEATABLE READ", serializable: "SERIALIZABLE" } as const;

import type { AsyncLocalStorage } from "node:async_hooks";
import type { QueryArrayConfig, QueryArrayResult, QueryConfig, QueryConfigValues, QueryResult, QueryResultRow, Submittable } from "pg";
import { sqlstateOf, toError } from "../pool/errors";
import { SessionError } from "./errors";
import type { SessionOptions } from "./options";
import type { Transaction } from "./transaction";

/** Nested sessions of one outer session that may be open or wait for their turn. */
const NESTED_MAX = 100;

const IN_FAILED_TRANSACTION = "25P02";

/** Told of what happens in a session; for counters. */
export interface SessionObserver {
  readonly savepoint: () => void;
  /** The first statement that may write is about to be sent. */
  readonly writeSent: () => void;
}

/**
 * What the function of a session works with: the statements of one transaction, or of one savepoint in it. Statements that are sent without waiting
 * for the one before run one after the other.
 */
export class Session {
  #child: Session | undefined;
  /** Nested sessions that were begun and have not ended. */
  #nested = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #ended = false;

  constructor(
    private readonly transaction: Transaction,
    private readonly current: AsyncLocalStorage<Session>,
    private readonly observer: SessionObserver,
    /** What it is for. */
    readonly operation: string,
    readonly readOnly: boolean,
  ) {}

  /** For whom, as given to the outermost session. */
  get user(): string | undefined {
    return this.transaction.options.user;
  }

  /** Aborted when the session cannot go on: its deadline passed, its caller left, its server is the primary no more. */
  get signal(): AbortSignal {
    return this.transaction.signal;
  }

  /** Milliseconds until the deadline, at least 1. */
  get remainingMs(): number {
    return this.transaction.deadline.remainingMs;
  }

  /** Whether it can be used. */
  get active(): boolean {
    return !this.#ended && this.transaction.phase === "operating" && this.transaction.failure === undefined;
  }

  /** It came to its end, and did not fail before. */
  get over(): boolean {
    return this.#ended && this.transaction.failure === undefined;
  }

  /** Another session is nested in this one at the moment, or waits to be. */
  get hasNested(): boolean {
    return this.#nested > 0;
  }

  /**
   * Runs one statement. BEGIN, COMMIT and ROLLBACK are the session's own business; SAVEPOINT is allowed, and easier as a nested session. A cursor or a
   * stream is returned at once.
   *
   * @throws SessionError SESSION_ENDED, SESSION_NESTED_ACTIVE, SESSION_TRANSACTION_CONTROL, SESSION_DEADLINE, SESSION_ABORTED; or what the statement fails with
   */
  query<T extends Submittable>(query: T): T;
  query<R extends unknown[] = unknown[], I = unknown[]>(config: QueryArrayConfig<I>, values?: QueryConfigValues<I>): Promise<QueryArrayResult<R>>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as in node-postgres' types, which programs rely on
  query<R extends QueryResultRow = any, I = any[]>(textOrConfig: string | QueryConfig<I>, values?: QueryConfigValues<I>): Promise<QueryResult<R>>;
  query(config: string | { text?: string; submit?: unknown }, values?: unknown): unknown {
    const submittable = typeof config === "object" && typeof config.submit === "function";
    try {
      this.#check(typeof config === "string" ? config : (config.text ?? ""));
    } catch (error) {
      if (submittable) throw error;
      return Promise.reject(toError(error));
    }
    if (submittable) return this.transaction.client.query(config as Submittable);
    return this.#run(() => this.transaction.client.query(config as string, values as unknown[]));
  }

  /**
   * A session nested in this one: a savepoint, which is rolled back when `run` throws and kept otherwise. While it is open, this session must not be used.
   * Several that are started at once run one after the other.
   *
   * @throws SessionError SESSION_READ_ONLY where it wants to write and this one may not; what `query` throws; and what `run` throws
   */
  async nested<T>(options: SessionOptions, run: (session: Session) => Promise<T> | T): Promise<T> {
    if (this.readOnly && options.readOnly === false) throw new SessionError("SESSION_READ_ONLY", `"${options.operation ?? "unnamed"}" wants to write inside the read-only session "${this.operation}".`, "Open the outer session without readOnly.");
    if (this.#nested >= NESTED_MAX) throw new SessionError("SESSION_NESTED_ACTIVE", `${NESTED_MAX} nested sessions of "${this.operation}" wait already.`, "Run them one after the other.");
    const before = this.#turn;
    let giveTurn!: () => void;
    this.#turn = new Promise<void>((resolve) => (giveTurn = resolve));
    this.#nested++;
    try {
      await Promise.race([before, this.transaction.failed]);
      return await this.#runNested(options, run);
    } finally {
      this.#nested--;
      giveTurn();
    }
  }

  /** No statement is taken any more. */
  end(): void {
    this.#ended = true;
  }

  async #runNested<T>({ operation = this.operation, readOnly = this.readOnly, deadlineMs }: SessionOptions, run: (session: Session) => Promise<T> | T): Promise<T> {
    const { transaction } = this;
    this.#check("");
    if (deadlineMs !== undefined) transaction.deadline.shorten(deadlineMs);
    const name = transaction.nextSavepoint();
    const child = new Session(transaction, this.current, this.observer, operation, readOnly);
    this.#child = child;
    try {
      await this.#statement(`SAVEPOINT ${name}`);
    } catch (error) {
      this.#child = undefined;
      throw error;
    }
    this.observer.savepoint();
    try {
      const value = await Promise.race([this.current.run(child, async () => run(child)), transaction.failed]);
      if (child.hasNested) throw nestedActive(operation);
      child.end();
      await this.#statement(`RELEASE SAVEPOINT ${name}`).catch((error: unknown) => {
        throw sqlstateOf(error) === IN_FAILED_TRANSACTION
          ? new SessionError("SESSION_NOT_COMMITTED", `"${operation}" was rolled back: one of its statements had failed, and the error was not passed on.`, "Let errors of statements leave the function.", error)
          : error;
      });
      return value;
    } catch (error) {
      child.end();
      if (transaction.connected) await this.#statement(`ROLLBACK TO SAVEPOINT ${name}; RELEASE SAVEPOINT ${name}`).catch((cause: unknown) => this.#doom(cause));
      throw error;
    } finally {
      this.#child = undefined;
    }
  }

  /** A savepoint that cannot be undone takes the whole transaction with it. */
  #doom(cause: unknown): void {
    this.transaction.fail(new SessionError("SESSION_NOT_COMMITTED", `A nested session of "${this.operation}" could not be rolled back; the whole transaction was.`, undefined, cause));
  }

  #check(text: string): void {
    const { transaction } = this;
    if (transaction.failure !== undefined) throw transaction.failure;
    if (this.#ended || transaction.phase !== "operating") throw new SessionError("SESSION_ENDED", `The session of "${this.operation}" was used after its end.`, "Await everything that the function starts, and do not keep its session.");
    if (this.#child !== undefined) throw nestedActive(this.operation);
    if (controlsTransaction(text)) throw new SessionError("SESSION_TRANSACTION_CONTROL", `"${this.operation}" sent a statement that begins or ends a transaction, which the session does itself.`, "Return from the function to commit, throw to roll back, nest a session for a savepoint.");
    if (!this.readOnly && !transaction.wrote && text !== "") {
      transaction.wrote = true;
      this.observer.writeSent();
    }
  }

  #statement(text: string): Promise<unknown> {
    return this.#run(() => this.transaction.client.query(text));
  }

  /** Waits for a statement, and sees that it did not end the transaction behind the session's back. */
  async #run<T>(statement: () => Promise<T>): Promise<T> {
    const { transaction } = this;
    let result: T;
    try {
      result = await transaction.send(statement);
    } catch (error) {
      throw transaction.failure ?? error;
    }
    if (transaction.phase === "operating" && transaction.status === "I") {
      transaction.fail(new SessionError("SESSION_TRANSACTION_CONTROL", `A statement of "${this.operation}" ended the transaction: what went before it in the session may be committed.`, "Leave BEGIN, COMMIT and ROLLBACK to the session."));
    }
    if (transaction.failure !== undefined) throw transaction.failure;
    return result;
  }
}

/** An outer session is used or ended while one is open inside it. */
export function nestedActive(operation: string): SessionError {
  return new SessionError("SESSION_NESTED_ACTIVE", `The session of "${operation}" was used while a session nested in it was open.`, "Await the nested session first; inside it, use the session that its function is given.");
}

const CONTROL = /^\s*(?:begin|start\s+transaction|commit|end|abort|prepare\s+transaction|rollback(?!\s+(?:(?:work|transaction)\s+)?to\b))\b/i;
const FIRST_CHARACTERS = new Set("bBsScCeEaApPrR \t\n\r\f");

/** Whether a statement begins or ends a transaction. Behind a comment it is not found here, but by what the server says afterwards. */
export function controlsTransaction(text: string): boolean {
  return FIRST_CHARACTERS.has(text.charAt(0)) && CONTROL.test(text);
}

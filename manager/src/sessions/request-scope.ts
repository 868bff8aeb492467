import { SessionError } from "./errors";
import type { DatabaseManager } from "./manager";
import type { SessionOptions } from "./options";
import type { Session } from "./session";

/** What makes the session of a request that failed roll back; nobody is told of it. */
const ROLL_BACK = Symbol("roll back");

/** The session of one request: opened when it is first asked for, ended by `finish` or `abort`. */
export class RequestScope {
  readonly #controller = new AbortController();
  #opened: Promise<Session> | undefined;
  /** Settles with the session's end. */
  #ended: Promise<unknown> | undefined;
  #finish: ((commit: boolean) => void) | undefined;
  #over = false;

  constructor(
    private readonly manager: DatabaseManager,
    private readonly options: () => SessionOptions,
  ) {}

  /** Whether there is something to commit or to roll back. */
  get used(): boolean {
    return this.#opened !== undefined;
  }

  /** The session, opened on the first call. @throws as `DatabaseManager.session`; SESSION_ENDED after the response */
  session(): Promise<Session> {
    if (this.#over) return Promise.reject(new SessionError("SESSION_ENDED", "The session of a request was asked for after its response.", "Do the work before the response is sent, or in a session of its own."));
    return (this.#opened ??= this.#open());
  }

  /**
   * Ends the session, once. Harmless where none was opened.
   * @throws what the COMMIT, or the session before it, failed with
   */
  async finish(commit: boolean): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    if (this.#opened === undefined) return;
    const opened = await this.#opened.then(() => true, () => false);
    // One that could not be opened has told its caller, who answers as it likes.
    if (!opened) return;
    this.#finish?.(commit);
    try {
      await this.#ended;
    } catch (error) {
      if (commit && error !== ROLL_BACK) throw error;
    }
  }

  /** The client has gone: what runs is cancelled, nothing is committed. */
  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#controller.abort(new Error("the client closed the connection"));
  }

  #open(): Promise<Session> {
    return new Promise<Session>((resolve, reject) => {
      const { signal: outer, ...options } = this.options();
      const signal = outer === undefined ? this.#controller.signal : AbortSignal.any([outer, this.#controller.signal]);
      // Handed out to the request's handler, it cannot be run a second time.
      this.#ended = this.manager.sessionOnce({ ...options, signal }, (session) => {
        resolve(session);
        return new Promise<void>((commit, rollBack) => {
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a symbol that only this file sees
          this.#finish = (ok) => (ok ? commit() : rollBack(ROLL_BACK));
        });
      });
      this.#ended.catch(reject);
    });
  }
}

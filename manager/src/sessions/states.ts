import { BulkheadError } from "../errors/bulkhead-error";

/*
 * Both state machines of this folder, as data. Success runs
 *
 *   config → URL → connect test → schema → monitoring → ready      (once for a manager)
 *   acquire → begin → operation → commit → clean → record → done   (for each session)
 *
 * and every step has an error state of its own, with how it recovers and where it ends when it cannot.
 */

/** Where a `DatabaseManager` is. */
export type ManagerState =
  | "new"
  | "loading-config"
  | "resolving-url"
  | "testing-connection"
  | "initialising-schema"
  | "starting-monitoring"
  | "ready"
  | "closing"
  | "closed"
  | ManagerErrorState;

/** What can be wrong with a `DatabaseManager`. */
export type ManagerErrorState = "config-failed" | "url-invalid" | "connection-failed" | "schema-failed" | "monitoring-failed" | "manual-intervention";

export type ManagerEvent =
  /** `open` was called. */
  | "open"
  /** The step succeeded. */
  | "done"
  /** The step failed. */
  | "fail"
  /** The step is tried again. */
  | "retry"
  /** The failure is accepted, and the next step taken. */
  | "go-on"
  /** `reinitialize` failed, and the pools from before serve on. */
  | "keep"
  /** Nothing more is tried by the library. */
  | "give-up"
  | "reinitialize"
  | "close";

/** Where one session is. */
export type SessionState =
  | "acquiring"
  | "beginning"
  | "operating"
  | "committing"
  | "rolling-back"
  | "cleaning"
  /** The connection is destroyed, and nothing is tried again. */
  | "quarantining"
  | "recording"
  | "done"
  | "failed"
  | SessionErrorState;

/** What can be wrong with one session. */
export type SessionErrorState = "acquire-failed" | "begin-failed" | "operation-failed" | "commit-refused" | "commit-unknown" | "rollback-failed" | "manual-intervention";

export type SessionEvent =
  | "done"
  | "fail"
  /** COMMIT was sent, and no answer says what became of it. */
  | "unknown"
  /** The transaction is rolled back on a connection that lives. */
  | "roll-back"
  /** The connection goes, and the server rolls back when it notices. */
  | "destroy"
  /** The same work once more, on another connection. */
  | "retry"
  /** There is nothing to clean. */
  | "record"
  /** A person has to look at the data. */
  | "alert";

/** For each state, the events that may happen in it and where they lead. */
export type Transitions<State extends string, Event extends string> = Readonly<Record<State, Readonly<Partial<Record<Event, State>>>>>;

export const MANAGER_TRANSITIONS: Transitions<ManagerState, ManagerEvent> = {
  new: { open: "loading-config", close: "closing" },
  "loading-config": { done: "resolving-url", fail: "config-failed", close: "closing" },
  "resolving-url": { done: "testing-connection", fail: "url-invalid", close: "closing" },
  "testing-connection": { done: "initialising-schema", fail: "connection-failed", close: "closing" },
  "initialising-schema": { done: "starting-monitoring", fail: "schema-failed", close: "closing" },
  "starting-monitoring": { done: "ready", fail: "monitoring-failed", close: "closing" },
  ready: { reinitialize: "loading-config", close: "closing" },
  "config-failed": { retry: "loading-config", keep: "ready", "give-up": "manual-intervention", close: "closing" },
  "url-invalid": { keep: "ready", "give-up": "manual-intervention", close: "closing" },
  "connection-failed": { retry: "testing-connection", keep: "ready", "give-up": "manual-intervention", close: "closing" },
  "schema-failed": { retry: "initialising-schema", "go-on": "starting-monitoring", keep: "ready", "give-up": "manual-intervention", close: "closing" },
  "monitoring-failed": { "go-on": "ready", close: "closing" },
  "manual-intervention": { reinitialize: "loading-config", close: "closing" },
  closing: { done: "closed" },
  closed: {},
};

export const SESSION_TRANSITIONS: Transitions<SessionState, SessionEvent> = {
  acquiring: { done: "beginning", fail: "acquire-failed" },
  beginning: { done: "operating", fail: "begin-failed" },
  operating: { done: "committing", fail: "operation-failed" },
  committing: { done: "cleaning", fail: "commit-refused", unknown: "commit-unknown" },
  "rolling-back": { done: "cleaning", fail: "rollback-failed" },
  cleaning: { done: "recording", retry: "acquiring" },
  quarantining: { done: "recording" },
  recording: { done: "done", fail: "failed", alert: "manual-intervention" },
  done: {},
  failed: {},
  "acquire-failed": { retry: "acquiring", record: "recording" },
  "begin-failed": { destroy: "cleaning" },
  "operation-failed": { "roll-back": "rolling-back", destroy: "cleaning" },
  "commit-refused": { "roll-back": "cleaning" },
  "commit-unknown": { destroy: "quarantining" },
  "rollback-failed": { destroy: "quarantining" },
  "manual-intervention": {},
};

/** How one error state is left. */
export interface Recovery {
  /** What the library does by itself. */
  readonly recovery: string;
  /** Where it ends when that does not help. */
  readonly fatalEnd: string;
}

export const MANAGER_RECOVERIES: Readonly<Record<ManagerErrorState, Recovery>> = {
  "config-failed": { recovery: "loaded again where the failure passes by itself (a secret store that does not answer)", fatalEnd: "manual-intervention: mend the setting named in the error, then reinitialize()" },
  "url-invalid": { recovery: "none: a URL does not mend itself", fatalEnd: "manual-intervention: mend the URL, then reinitialize()" },
  "connection-failed": { recovery: "tried again with full jitter where the failure passes by itself; a wrong password or database, or a pool over the login's CONNECTION LIMIT, is not", fatalEnd: "manual-intervention: mend address, login or server, then reinitialize()" },
  "schema-failed": { recovery: "tried again after a race or a deadlock; then as `schema.onFailure` says", fatalEnd: "manual-intervention: mend the schema, then reinitialize(); with \"go-on\" the service starts without" },
  "monitoring-failed": { recovery: "always goes on without monitoring", fatalEnd: "none" },
  "manual-intervention": { recovery: "none: nothing is tried any more", fatalEnd: "a person mends the cause and calls reinitialize()" },
};

export const SESSION_RECOVERIES: Readonly<Record<SessionErrorState, Recovery>> = {
  "acquire-failed": { recovery: "once more where the connection led to a stale primary; from the replica to the primary", fatalEnd: "failed: the caller has the error" },
  "begin-failed": { recovery: "the connection is destroyed; once more on another one where it was dead; from the replica to the primary", fatalEnd: "failed: the caller has the error" },
  "operation-failed": { recovery: "ROLLBACK; where the connection is gone, busy or past its deadline it is destroyed", fatalEnd: "failed: the caller has the error, nothing was written" },
  "commit-refused": { recovery: "none needed: the server has rolled back", fatalEnd: "failed: the caller has the error, nothing was written" },
  "commit-unknown": { recovery: "none: repeating it could do it twice", fatalEnd: "manual-intervention: look in the database whether it happened" },
  "rollback-failed": { recovery: "the connection is destroyed, so that the server rolls back; the integrity alert goes out", fatalEnd: "manual-intervention: see that the backend is gone and nothing is left of its work" },
  "manual-intervention": { recovery: "none", fatalEnd: "a person looks at the data" },
};

/** One step of a machine. */
export interface Transition<State extends string, Event extends string> {
  readonly from: State;
  readonly event: Event;
  readonly to: State;
}

/** The state that an event leads to; undefined where it cannot happen in `from`. */
export function nextState<State extends string, Event extends string>(table: Transitions<State, Event>, from: State, event: Event): State | undefined {
  return table[from][event];
}

/** Where something is in one of the tables, and how it got there. */
export class StateMachine<State extends string, Event extends string> {
  #state: State;

  /** @param onTransition told of each step, after it; undefined: nobody */
  constructor(
    private readonly table: Transitions<State, Event>,
    initial: State,
    private readonly onTransition: ((transition: Transition<State, Event>) => void) | undefined,
  ) {
    this.#state = initial;
  }

  get state(): State {
    return this.#state;
  }

  /** Whether the event may happen now. */
  may(event: Event): boolean {
    return nextState(this.table, this.#state, event) !== undefined;
  }

  /**
   * Takes a step.
   * @throws BulkheadError STATE_TRANSITION_INVALID: a fault of this library
   */
  fire(event: Event): void {
    const from = this.#state;
    const to = nextState(this.table, from, event);
    if (to === undefined) throw new BulkheadError("STATE_TRANSITION_INVALID", `"${event}" cannot happen in state "${from}".`, { hint: "This is a fault of the library: report it." });
    this.#state = to;
    this.onTransition?.({ from, event, to });
  }
}

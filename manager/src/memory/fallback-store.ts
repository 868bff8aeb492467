import { BulkheadError, classifyError, systemClock } from "../errors";
import type { ClassifiedError, Clock } from "../errors";
import { within } from "../errors/within";
import { InMemoryDatabase } from "./in-memory-database";
import type { InMemoryDatabaseOptions, MemoryStats } from "./in-memory-database";
import type { JournalEntry } from "./journal";
import { Prober } from "./prober";

/** Where operations go: to the primary; to memory; to memory while the journal is merged; or they wait, while the rest of it is merged. */
export type FallbackState = "primary" | "memory" | "merging" | "returning" | "closed";

export interface FallbackStoreOptions<Primary> {
  readonly primary: Primary;
  /** Whether the primary is back: resolves if it is, rejects if not. It should write nothing, and check that the primary takes writes. */
  readonly probe: (signal: AbortSignal) => Promise<unknown>;
  /**
   * Puts one write that was made in memory into the primary; called for one at a time, in order. When it resolves, the entry is acknowledged and gone; when it rejects, the store stays on memory and tries
   * the same entry again after the next successful probe. It may be called twice for one entry (a lost answer), so it must be idempotent: INSERT … ON CONFLICT (id) DO NOTHING. An entry
   * that the primary refuses for good (a conflict) is the application's to decide: keep it somewhere and resolve.
   */
  readonly merge: (entry: JournalEntry) => Promise<void>;
  /** Bounds of the memory. `journalMax` defaults to 10,000. */
  readonly memory?: InMemoryDatabaseOptions;
  /** Where it begins. Default `primary`. */
  readonly initial?: "primary" | "memory";
  /** Which errors mean that the primary is gone. Default: lost, refused and timed-out connections, a server that starts or stops. */
  readonly isGone?: (error: ClassifiedError) => boolean;
  /** The first pause between probes, and the longest; it doubles, with jitter. Defaults 500 and 30,000. Milliseconds. */
  readonly probeMinMs?: number;
  readonly probeMaxMs?: number;
  /** For one probe. Default 5,000. Milliseconds. */
  readonly probeTimeoutMs?: number;
  /** For the merge of one entry, and for operations on memory to end before the return. Default 10,000. Milliseconds. */
  readonly mergeTimeoutMs?: number;
  /** Operations that may wait during the return. Default 1,000. */
  readonly waitingMax?: number;
  /**
   * For one operation's wait during the return; nothing of it was done when it is over. Default 15,000, which is more than `mergeTimeoutMs`, so that a merge that hangs sends the operation to memory before.
   * Milliseconds.
   */
  readonly waitTimeoutMs?: number;
  readonly onStateChange?: (change: { readonly from: FallbackState; readonly to: FallbackState; readonly reason: string }) => void;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** One operation in its two forms. */
export interface FallbackOperation<Primary, T> {
  readonly primary: (primary: Primary) => Promise<T>;
  readonly memory: (memory: InMemoryDatabase) => Promise<T>;
  /** True where it writes nothing, so that it may be repeated on memory after the primary failed in the middle of it. Default false. */
  readonly readOnly?: boolean;
}

export interface FallbackHealth {
  readonly status: "healthy" | "degraded";
  readonly state: FallbackState;
  readonly reason: string;
  readonly memory: MemoryStats;
  /** Entries that were merged since the start. */
  readonly merged: number;
  /** The last merge that failed, redacted; undefined where none did since the last return. */
  readonly mergeError: string | undefined;
}

/** From this many entries on downwards the rest of a merge is waited for: it takes a moment only. */
const RETURN_AT = 100;
/** Rounds of merging beside running work. Ten bring a journal of 10,000 entries down to 100 where no more than 63 writes come in while 100 are merged. */
const ROUNDS_MAX = 10;

/**
 * Keeps a service going while its database is away. Operations go to the primary; when it is gone they go to memory, whose writes are kept in a journal. One prober looks for the primary; once it
 * is back, the journal is merged entry by entry while operations still go to memory, then the rest while operations wait, and from there on everything goes to the primary again. The first of the two ends
 * also where writes come in faster than they are merged.
 *
 * An operation that fails in the middle is not repeated on memory unless it is read-only or surely never reached the primary: its write may have happened.
 */
export class FallbackStore<Primary> {
  /** For reading, seeding and saving the journal. Write to it through `run` only: the return waits for the writes that it knows of. */
  readonly memory: InMemoryDatabase;
  readonly #options: FallbackStoreOptions<Primary>;
  readonly #prober: Prober;
  #state: FallbackState;
  #reason: string;
  /** Counts the stays on the primary. */
  #stay = 0;
  #merged = 0;
  #mergeError: string | undefined;
  /** Operations under way on memory: the return waits for them. */
  #onMemory = 0;
  #whenMemoryIdle: (() => void) | undefined;
  /** Operations that wait for the return, in their order. */
  readonly #waiting = new Set<() => void>();

  constructor(options: FallbackStoreOptions<Primary>) {
    this.#options = options;
    this.memory = new InMemoryDatabase({ journalMax: 10_000, ...options.memory });
    if (this.memory.stats().journalMax < 1) throw new BulkheadError("FALLBACK_OPTIONS", "memory.journalMax must be at least 1: without a journal nothing could be merged", { hint: "leave it out, or set it to e.g. 10000" });
    this.#prober = new Prober({ ...options, clock: options.clock ?? systemClock, onBack: () => this.#return() });
    this.#state = options.initial ?? "primary";
    this.#reason = this.#state === "primary" ? "the primary is in use" : "started on memory";
    if (this.#state === "memory") this.#prober.start();
  }

  get state(): FallbackState {
    return this.#state;
  }

  /**
   * Runs an operation where it belongs at the moment.
   *
   * @throws BulkheadError `FALLBACK_CLOSED`; `FALLBACK_BUSY` where too many wait for the return, `FALLBACK_WAIT_TIMEOUT` where it takes too long, both before anything was done; else what the operation throws
   */
  async run<T>(operation: FallbackOperation<Primary, T>): Promise<T> {
    while (this.#state === "returning") await this.#awaitReturn();
    if (this.#state === "closed") throw new BulkheadError("FALLBACK_CLOSED", "the store was closed");
    if (this.#state !== "primary") {
      // Where the CPU sleeps between requests, timers do not fire: a request probes as well.
      this.#prober.poke();
      return this.#runOnMemory(operation);
    }
    const stay = this.#stay;
    try {
      return await operation.primary(this.#options.primary);
    } catch (error) {
      const classified = classifyError(error);
      if (!(this.#options.isGone ?? isGone)(classified)) throw error;
      // What began before the last outage says nothing of the primary as it is now.
      if (this.#isState("primary") && stay === this.#stay) this.#leave(classified);
      const repeatable = operation.readOnly === true || NEVER_SENT.has(classified.kind) || NEVER_SENT.has(classified.code ?? "");
      if (repeatable && (this.#isState("memory") || this.#isState("merging"))) return this.#runOnMemory(operation);
      throw error;
    }
  }

  /** `degraded` from the first operation on memory until everything is merged. */
  health(): FallbackHealth {
    return { status: this.#state === "primary" ? "healthy" : "degraded", state: this.#state, reason: this.#reason, memory: this.memory.stats(), merged: this.#merged, mergeError: this.#mergeError };
  }

  /** Stops probing. What waits for its merge stays in `memory.journal`, for the application to save. */
  close(): void {
    this.#prober.stop();
    this.#change("closed", "closed");
    this.#letIn();
  }

  async #runOnMemory<T>({ memory }: FallbackOperation<Primary, T>): Promise<T> {
    this.#onMemory += 1;
    try {
      return await memory(this.memory);
    } finally {
      this.#onMemory -= 1;
      if (this.#onMemory === 0) this.#whenMemoryIdle?.();
    }
  }

  #leave(error: ClassifiedError): void {
    this.#stay += 1;
    this.#change("memory", `the primary is gone: ${error.kind}`);
    this.#prober.start();
  }

  /** After a successful probe. Rejects where the merge fails, which counts as a failed probe. */
  async #return(): Promise<void> {
    try {
      this.#change("merging", "the primary is back; writes are being merged");
      await this.#mergeBesideWork();
      this.#change("returning", `operations wait while the last ${this.memory.journal.length} writes are merged`);
      if (this.#onMemory > 0) await this.#bounded(() => new Promise<void>((resolve) => (this.#whenMemoryIdle = resolve)), "operations on memory did not end");
      await this.#merge(Infinity, 0);
      if (this.#isState("closed")) return;
      await this.memory.clear();
      this.#mergeError = undefined;
      this.#change("primary", "the primary is in use");
    } catch (error) {
      this.#mergeError = classifyError(error).message;
      if (!this.#isState("closed")) this.#change("memory", "a write could not be merged");
      throw error;
    } finally {
      this.#whenMemoryIdle = undefined;
      this.#letIn();
    }
  }

  /**
   * Merges while operations go on writing to memory, in rounds: each merges what waited when it began. Over when what is left takes a moment only, or when further rounds would not get there: one has left
   * no less than it found, or there were many. So it ends after at most `ROUNDS_MAX` times `journalMax` entries.
   */
  async #mergeBesideWork(): Promise<void> {
    const { journal } = this.memory;
    for (let round = 1; round <= ROUNDS_MAX && journal.length > RETURN_AT && !this.#isState("closed"); round += 1) {
      const found = journal.length;
      await this.#merge(found, RETURN_AT);
      if (journal.length >= found) return;
    }
  }

  /** Merges the oldest entries: so many, or until no more than `downTo` are left. */
  async #merge(countMax: number, downTo: number): Promise<void> {
    const { journal } = this.memory;
    for (let count = 0; count < countMax && journal.length > downTo && !this.#isState("closed"); count += 1) {
      const entry = journal.next();
      if (entry === undefined) return;
      await this.#bounded(() => this.#options.merge(entry), `entry ${entry.sequence} was not merged`);
      journal.acknowledge(entry.sequence);
      this.#merged += 1;
    }
  }

  async #bounded(run: () => Promise<void>, what: string): Promise<void> {
    const { mergeTimeoutMs = 10_000, clock = systemClock } = this.#options;
    await within(clock, mergeTimeoutMs, run, () => new BulkheadError("FALLBACK_TIMEOUT", `${what} within ${mergeTimeoutMs} ms`));
  }

  async #awaitReturn(): Promise<void> {
    const { waitingMax = 1_000, waitTimeoutMs = 15_000, clock = systemClock } = this.#options;
    if (this.#waiting.size >= waitingMax) {
      throw new BulkheadError("FALLBACK_BUSY", `${this.#waiting.size} operations wait for the return to the primary already`, { hint: "try again in a moment" });
    }
    const tooLong = () =>
      new BulkheadError("FALLBACK_WAIT_TIMEOUT", `the operation waited ${waitTimeoutMs} ms for the return to the primary, where ${this.memory.journal.length} writes still wait for their merge; nothing of it was done`, {
        hint: "try again in a moment; where it comes often, make merge faster (one statement, no transaction of its own), or journalMax smaller",
      });
    let letIn = (): void => undefined;
    try {
      await within(clock, waitTimeoutMs, () => new Promise<void>((resolve) => void this.#waiting.add((letIn = resolve))), tooLong);
    } finally {
      this.#waiting.delete(letIn);
    }
  }

  #letIn(): void {
    for (const letIn of this.#waiting) letIn();
    this.#waiting.clear();
  }

  /** The state after an await may be another than before, which the compiler does not see. */
  #isState(state: FallbackState): boolean {
    return this.#state === state;
  }

  #change(to: FallbackState, reason: string): void {
    const from = this.#state;
    if (from === "closed" || from === to) return;
    this.#state = to;
    this.#reason = reason;
    try {
      this.#options.onStateChange?.({ from, to, reason });
    } catch {
      // A listener that fails must not keep the store from changing.
    }
  }
}

/** Kinds and codes of errors that come before anything was sent. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  "connect-refused", "connect-timeout", "name-not-found", "name-service-failed", "socket-missing", "BREAKER_OPEN", "POOL_ACQUIRE_TIMEOUT", "POOL_CONNECT_TIMEOUT", "POOL_QUEUE_FULL",
]);
/** A single statement's trouble, or the client's own. */
const NOT_GONE: ReadonlySet<string> = new Set(["protocol-violation"]);
const GONE: ReadonlySet<string> = new Set(["connect-timeout", "pool-exhausted-or-down", "BREAKER_OPEN", "POOL_ACQUIRE_TIMEOUT", "POOL_CONNECT_TIMEOUT"]);

function isGone({ class: errorClass, kind, code }: ClassifiedError): boolean {
  return (errorClass === "connection" && !NOT_GONE.has(kind)) || GONE.has(kind) || GONE.has(code ?? "");
}

/** Operations that are counted apart; the rest is counted as "(other)". */
const OPERATIONS_MAX = 200;
const OTHER = "(other)";

/** How sessions of one operation went. Times in milliseconds. */
export interface OperationCounts {
  readonly count: number;
  readonly failed: number;
  readonly totalMs: number;
  readonly maxMs: number;
}

/** What a manager has counted since it was made. */
export interface SessionCounts {
  /** Outermost sessions begun. */
  readonly started: number;
  readonly committed: number;
  /** Ended without a commit, for whatever reason; the next six are among them. */
  readonly failed: number;
  readonly deadlines: number;
  readonly aborted: number;
  readonly commitsUnknown: number;
  readonly rollbacksFailed: number;
  /** No connection was had. */
  readonly notAcquired: number;
  /** The server, asked to commit, rolled back. */
  readonly commitsRefused: number;
  /** Open now. */
  readonly active: number;
  /** Nested sessions begun. */
  readonly savepoints: number;
  /** Sessions begun again by `executeWithRetry`. */
  readonly retries: number;
  /** Sessions begun again since their connection led to a stale primary. */
  readonly stalePrimaries: number;
  /** Sessions begun again since their connection was dead at BEGIN. */
  readonly reconnects: number;
  /** Read-only sessions begun on the replica. */
  readonly replicaReads: number;
  /** Read-only sessions that went to the primary since the replica could not be used. */
  readonly replicaFallbacks: number;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Counts sessions, in bounded memory. */
export class SessionCounters {
  readonly counts: Mutable<SessionCounts> = {
    started: 0, committed: 0, failed: 0, deadlines: 0, aborted: 0, commitsUnknown: 0, rollbacksFailed: 0, notAcquired: 0, commitsRefused: 0,
    active: 0, savepoints: 0, retries: 0, stalePrimaries: 0, reconnects: 0, replicaReads: 0, replicaFallbacks: 0,
  };
  readonly #operations = new Map<string, Mutable<OperationCounts>>();

  begun(): void {
    this.counts.started++;
    this.counts.active++;
  }

  ended(operation: string, tookMs: number, ok: boolean): void {
    this.counts.active--;
    this.counts[ok ? "committed" : "failed"]++;
    const name = this.#operations.has(operation) || this.#operations.size < OPERATIONS_MAX ? operation : OTHER;
    let row = this.#operations.get(name);
    if (row === undefined) this.#operations.set(name, (row = { count: 0, failed: 0, totalMs: 0, maxMs: 0 }));
    row.count++;
    if (!ok) row.failed++;
    row.totalMs += tookMs;
    if (tookMs > row.maxMs) row.maxMs = tookMs;
  }

  /** By operation. */
  operations(): Record<string, OperationCounts> {
    return Object.fromEntries([...this.#operations].map(([name, row]) => [name, { ...row }]));
  }
}

import type { Dropped } from "../../support/network-lanes";

/** Where packets begin to be lost. */
export type BlackHolePhase = "connect" | "idle" | "in query" | "in write" | "in transaction" | "in COMMIT" | "in release" | "in validation";

export interface BlackHoleCell {
  readonly phase: BlackHolePhase;
  readonly dropped: Dropped;
  /** After how long packets pass again; undefined: when the caller has its answer. */
  readonly healsAfterMs?: number;
  readonly outcome: string;
  readonly errorClass?: string;
  /** How many rows the cell's one write may leave, once the network is back. */
  readonly rows?: readonly number[];
}

const NO_CONNECTION = { outcome: "POOL_ACQUIRE_TIMEOUT", errorClass: "connection" } as const;
const NO_ANSWER = { outcome: "POOL_QUERY_TIMEOUT", errorClass: "timeout" } as const;
const UNKNOWN = { outcome: "POOL_COMMIT_UNKNOWN", errorClass: "unknown-outcome" } as const;

/** The documented end of each cell (docs/manager/pool.md). */
export const CELLS: readonly BlackHoleCell[] = [
  { phase: "connect", dropped: "requests", ...NO_CONNECTION },
  { phase: "connect", dropped: "answers", ...NO_CONNECTION },
  { phase: "idle", dropped: "both", ...NO_ANSWER },
  { phase: "in query", dropped: "both", ...NO_ANSWER },
  { phase: "in query", dropped: "answers", ...NO_ANSWER },
  // It reaches the server after the caller was told: the kernel goes on sending what was written to a socket that is closed.
  { phase: "in write", dropped: "requests", ...NO_ANSWER, rows: [0, 1] },
  { phase: "in write", dropped: "answers", ...NO_ANSWER, rows: [1] },
  { phase: "in transaction", dropped: "both", ...NO_ANSWER, rows: [0] },
  { phase: "in COMMIT", dropped: "requests", ...UNKNOWN, rows: [0, 1] },
  { phase: "in COMMIT", dropped: "answers", ...UNKNOWN, rows: [1] },
  { phase: "in COMMIT", dropped: "both", ...UNKNOWN, rows: [0, 1] },
  { phase: "in release", dropped: "both", ...NO_CONNECTION },
  { phase: "in validation", dropped: "both", ...NO_CONNECTION },
  // A hole that ends before the deadline costs only time: TCP sends again.
  { phase: "in query", dropped: "both", healsAfterMs: 250, outcome: "ok" },
  { phase: "in COMMIT", dropped: "both", healsAfterMs: 250, outcome: "ok", rows: [1] },
];

export const DEADLINES = { acquireTimeoutMs: 2_500, connectTimeoutMs: 1_500, queryTimeoutMs: 1_500, validationTimeoutMs: 400, resetTimeoutMs: 400, maxLifetimeSeconds: 0 };

/** What the process in the network tells of a cell. */
export interface BlackHoleResult {
  readonly outcome: string;
  readonly errorClass?: string;
  readonly elapsedMs: number;
  readonly rows: number;
  /** Milliseconds from the end of the hole to the first query's answer. */
  readonly servedAfterMs: number;
  readonly total: number;
  readonly idle: number;
  readonly inUse: number;
  readonly waiting: number;
}

export function nameOf({ phase, dropped, healsAfterMs }: BlackHoleCell): string {
  return `${phase}, ${dropped === "both" ? "all packets" : dropped} lost${healsAfterMs === undefined ? "" : ` for ${healsAfterMs} ms`}`;
}

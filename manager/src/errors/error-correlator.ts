import type { ClassifiedError } from "./classified-error";
import { systemClock } from "./clock";
import type { Clock } from "./clock";

export interface ErrorCorrelatorOptions {
  /** How far back it looks; default 60,000 ms. */
  readonly windowMs?: number;
  /** Different errors that are told apart; more of them drop the one that is longest ago. Default 500. */
  readonly groupsMax?: number;
  readonly clock?: Clock;
}

/** Where an error happened. */
export interface ErrorOrigin {
  /** Of which request; equal ones are counted once. */
  readonly request?: string;
  /** E.g. the operation or route; the first few different ones are kept. */
  readonly operation?: string;
}

/** Errors of one cause within the window. */
export interface ErrorGroup {
  /** Equal for errors that differ only in values: class, kind, code, and the text without numbers and quoted parts. */
  readonly fingerprint: string;
  /** The latest of them. */
  readonly error: ClassifiedError;
  /** Errors within the window. */
  readonly count: number;
  /** Different requests within the window; exact up to 100, then 100. */
  readonly requests: number;
  /** Up to 10 different operations. */
  readonly operations: readonly string[];
  /** Of the clock, in milliseconds. */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/** The window is counted in this many steps, so that memory does not grow with the number of errors. */
const STEPS = 12;
const REQUESTS_MAX = 100;
const OPERATIONS_MAX = 10;

interface Step {
  readonly number: number;
  count: number;
  readonly requests: Set<string>;
}

interface Tracked {
  error: ClassifiedError;
  readonly steps: Step[];
  readonly operations: Set<string>;
  readonly firstAtMs: number;
  lastAtMs: number;
}

/** Groups failures across requests by class and fingerprint in a bounded window: one cause that hits a hundred requests is one group with count 100. */
export class ErrorCorrelator {
  readonly #windowMs: number;
  readonly #groupsMax: number;
  readonly #clock: Clock;
  /** In the order of their last error, so the first is the one to drop. */
  readonly #groups = new Map<string, Tracked>();

  constructor(options: ErrorCorrelatorOptions = {}) {
    this.#windowMs = options.windowMs ?? 60_000;
    this.#groupsMax = options.groupsMax ?? 500;
    this.#clock = options.clock ?? systemClock;
  }

  /** Counts one error and returns its group. */
  record(error: ClassifiedError, origin: ErrorOrigin = {}): ErrorGroup {
    const nowMs = this.#clock.nowMs();
    const fingerprint = fingerprintError(error);
    const known = this.#groups.get(fingerprint);
    const tracked = known !== undefined && nowMs - known.lastAtMs < this.#windowMs ? known : { error, steps: [], operations: new Set<string>(), firstAtMs: nowMs, lastAtMs: nowMs };
    tracked.error = error;
    tracked.lastAtMs = nowMs;
    const step = this.#currentStep(tracked, nowMs);
    step.count += 1;
    if (origin.request !== undefined && step.requests.size < REQUESTS_MAX) step.requests.add(origin.request);
    if (origin.operation !== undefined && tracked.operations.size < OPERATIONS_MAX) tracked.operations.add(origin.operation);

    this.#groups.delete(fingerprint);
    this.#groups.set(fingerprint, tracked);
    if (this.#groups.size > this.#groupsMax) {
      const [oldest] = this.#groups.keys();
      if (oldest !== undefined) this.#groups.delete(oldest);
    }
    return this.#describe(fingerprint, tracked, nowMs);
  }

  /** The groups with errors in the window, the most frequent first. */
  groups(): ErrorGroup[] {
    const nowMs = this.#clock.nowMs();
    for (const [fingerprint, tracked] of this.#groups) if (nowMs - tracked.lastAtMs >= this.#windowMs) this.#groups.delete(fingerprint);
    return [...this.#groups].map(([fingerprint, tracked]) => this.#describe(fingerprint, tracked, nowMs)).sort((a, b) => b.count - a.count);
  }

  #currentStep(tracked: Tracked, nowMs: number): Step {
    const number = this.#stepNumber(nowMs);
    while (tracked.steps.length > 0 && (tracked.steps[0]?.number ?? 0) <= number - STEPS) tracked.steps.shift();
    const last = tracked.steps.at(-1);
    if (last?.number === number) return last;
    const step = { number, count: 0, requests: new Set<string>() };
    tracked.steps.push(step);
    return step;
  }

  #stepNumber(nowMs: number): number {
    return Math.floor(nowMs / (this.#windowMs / STEPS));
  }

  #describe(fingerprint: string, tracked: Tracked, nowMs: number): ErrorGroup {
    const since = this.#stepNumber(nowMs) - STEPS;
    const steps = tracked.steps.filter((step) => step.number > since);
    const requests = new Set(steps.flatMap((step) => [...step.requests]));
    return {
      fingerprint,
      error: tracked.error,
      count: steps.reduce((sum, step) => sum + step.count, 0),
      requests: Math.min(requests.size, REQUESTS_MAX),
      operations: [...tracked.operations],
      firstAtMs: tracked.firstAtMs,
      lastAtMs: tracked.lastAtMs,
    };
  }
}

/** What errors of one cause have in common, at most 300 characters. */
export function fingerprintError({ class: errorClass, kind, code, message }: ClassifiedError): string {
  const shape = message
    .slice(0, 500)
    .replace(/"[^"]*"|'[^']*'/g, "?")
    .replace(/\b[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b/gi, "?")
    .replace(/\d+/g, "?")
    .replace(/\s+/g, " ");
  return `${errorClass}/${kind}/${code ?? "-"}/${shape}`.slice(0, 300);
}

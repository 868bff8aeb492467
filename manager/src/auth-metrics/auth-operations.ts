import type { ClassifiedError } from "../errors/classified-error";
import { systemClock } from "../errors/clock";
import type { Clock } from "../errors/clock";
import type { EscalationPolicy } from "../errors/escalation-policy";

/** What a service that authenticates does. */
export type AuthOperation = "login" | "token" | "session";
export const AUTH_OPERATIONS: readonly AuthOperation[] = ["login", "token", "session"];

export interface AuthOperationsOptions {
  /** Hears of failure rates. Default: nobody. */
  readonly escalation?: EscalationPolicy;
  /** How far back rates look; default 60,000 ms. */
  readonly windowMs?: number;
  /** Attempts within the window before its rate says anything; default 20. */
  readonly attemptsMin?: number;
  /** Share of failures that is a warning; default 0.3. */
  readonly warningRate?: number;
  /** Share of failures that is critical; default 0.7. */
  readonly criticalRate?: number;
  readonly clock?: Clock;
}

/** How one operation went. */
export interface AuthOperationStats {
  /** Since the start. */
  readonly succeeded: number;
  /** Since the start. */
  readonly failed: number;
  /** Failures by reason; from the 21st reason on together as "(other)". */
  readonly reasons: Readonly<Record<string, number>>;
  /** Within the window. */
  readonly attempts: number;
  /** Share of failures within the window, from 0 to 1; 0 without attempts. */
  readonly failureRate: number;
}

/** The window is counted in this many steps, so that memory does not grow with traffic. */
const STEPS = 12;
const REASONS_MAX = 20;
const REASON_CHARS_MAX = 60;
const OTHER = "(other)";

interface Step {
  number: number;
  succeeded: number;
  failed: number;
}

class Track {
  succeeded = 0;
  failed = 0;
  readonly reasons = new Map<string, number>();
  readonly steps: Step[] = Array.from({ length: STEPS }, () => ({ number: -1, succeeded: 0, failed: 0 }));

  step(number: number): Step {
    const step = this.steps[number % STEPS]!;
    if (step.number !== number) Object.assign(step, { number, succeeded: 0, failed: 0 });
    return step;
  }

  /** Attempts and failures within the window that ends with `number`. */
  window(number: number): { attempts: number; failed: number } {
    let attempts = 0;
    let failed = 0;
    for (const step of this.steps) {
      if (step.number <= number - STEPS) continue;
      attempts += step.succeeded + step.failed;
      failed += step.failed;
    }
    return { attempts, failed };
  }
}

/**
 * Counts logins, tokens and sessions, and raises an alert when the share of failures within the window passes a threshold: a broken deployment shows so, and
 * so does somebody who tries passwords. Holds no names and no addresses. Never throws.
 */
export class AuthOperations {
  readonly #options: AuthOperationsOptions;
  readonly #clock: Clock;
  readonly #stepMs: number;
  readonly #tracks: Readonly<Record<AuthOperation, Track>> = { login: new Track(), token: new Track(), session: new Track() };

  constructor(options: AuthOperationsOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#stepMs = (options.windowMs ?? 60_000) / STEPS;
  }

  succeeded(operation: AuthOperation): void {
    const track = this.#tracks[operation];
    track.succeeded++;
    track.step(this.#stepNumber()).succeeded++;
  }

  /** @param reason a word of a small set, e.g. `wrong-password`, `expired`, `revoked`; never anything about the user */
  failed(operation: AuthOperation, reason: string): void {
    const track = this.#tracks[operation];
    track.failed++;
    track.step(this.#stepNumber()).failed++;
    const name = track.reasons.has(reason) || (track.reasons.size < REASONS_MAX && reason.length <= REASON_CHARS_MAX) ? reason : OTHER;
    track.reasons.set(name, (track.reasons.get(name) ?? 0) + 1);
    this.#escalate(operation, track);
  }

  /** Runs one operation and counts how it ended. @param reasonOf the reason of what it threw; default "error" */
  async measure<T>(operation: AuthOperation, run: () => Promise<T> | T, reasonOf: (error: unknown) => string = () => "error"): Promise<T> {
    let value: T;
    try {
      value = await run();
    } catch (error) {
      this.failed(operation, reasonOf(error));
      throw error;
    }
    this.succeeded(operation);
    return value;
  }

  stats(): Readonly<Record<AuthOperation, AuthOperationStats>> {
    const number = this.#stepNumber();
    const of = (operation: AuthOperation): AuthOperationStats => {
      const track = this.#tracks[operation];
      const { attempts, failed } = track.window(number);
      return { succeeded: track.succeeded, failed: track.failed, reasons: Object.fromEntries(track.reasons), attempts, failureRate: attempts === 0 ? 0 : failed / attempts };
    };
    return { login: of("login"), token: of("token"), session: of("session") };
  }

  #stepNumber(): number {
    return Math.floor(this.#clock.nowMs() / this.#stepMs);
  }

  #escalate(operation: AuthOperation, track: Track): void {
    const { escalation, attemptsMin = 20, warningRate = 0.3, criticalRate = 0.7 } = this.#options;
    if (escalation === undefined) return;
    const { attempts, failed } = track.window(this.#stepNumber());
    const rate = failed / attempts;
    if (attempts < attemptsMin || rate < warningRate) return;
    escalation.record(rateError(operation, rate >= criticalRate, failed, attempts), { operation: `auth.${operation}` });
  }
}

function rateError(operation: AuthOperation, critical: boolean, failed: number, attempts: number): ClassifiedError {
  return {
    class: "permission",
    kind: `auth-${operation}-failure-rate`,
    severity: critical ? "critical" : "warning",
    userImpact: critical ? "feature-unavailable" : "request-failed",
    retry: "never",
    retryable: false,
    escalate: true,
    connectionUsable: true,
    code: undefined,
    meaning: `many failures of ${operation}`,
    message: `${failed} of ${attempts} ${operation} attempts failed`,
  };
}

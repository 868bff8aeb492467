import type { ClassifiedError } from "./classified-error";
import { systemClock } from "./clock";
import type { Clock } from "./clock";
import { ErrorCorrelator } from "./error-correlator";
import type { ErrorGroup, ErrorOrigin } from "./error-correlator";

export type AlertLevel = "warning" | "critical";

/** A group of errors that has become worth a person's attention. Holds no secret: its texts are those of `classifyError`. */
export interface Alert {
  readonly level: AlertLevel;
  readonly group: ErrorGroup;
  /** Why this level: the count that was reached, or the error that speaks for itself. */
  readonly reason: string;
}

export interface EscalationPolicyOptions {
  /** Called for each alert; what it throws or rejects with goes to `onHandlerError`. */
  readonly onAlert: (alert: Alert) => void | Promise<void>;
  /** Errors of one group within the correlator's window; default 5. */
  readonly warningAt?: number;
  /** Default 20. */
  readonly criticalAt?: number;
  /** A group that stays at a level is not reported again before this; default 300,000 ms. */
  readonly repeatMs?: number;
  /** Default: one with a window of a minute. */
  readonly correlator?: ErrorCorrelator;
  readonly onHandlerError?: (error: unknown) => void;
  readonly clock?: Clock;
}

const RANK: Readonly<Record<AlertLevel, number>> = { warning: 1, critical: 2 };
/** How many groups are remembered as reported. */
const REPORTED_MAX = 1_000;

/**
 * Turns errors into alerts: a group that reaches `warningAt` within the window is a warning, at `criticalAt` critical. An error that asks for a person at once
 * (`escalate`, e.g. a wrong password, an unknown outcome, damaged data) is reported with the first, critical where its severity is.
 */
export class EscalationPolicy {
  readonly correlator: ErrorCorrelator;
  readonly #options: EscalationPolicyOptions;
  readonly #clock: Clock;
  readonly #reported = new Map<string, { level: AlertLevel; atMs: number }>();

  constructor(options: EscalationPolicyOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.correlator = options.correlator ?? new ErrorCorrelator({ clock: this.#clock });
  }

  /** Counts one error, and reports its group where that is due. Returns the alert that was sent. Never throws. */
  record(error: ClassifiedError, origin: ErrorOrigin = {}): Alert | undefined {
    if (error.class === "none") return undefined;
    const group = this.correlator.record(error, origin);
    const due = this.#levelOf(group);
    if (due === undefined || !this.#isNews(group.fingerprint, due.level)) return undefined;
    const alert: Alert = { ...due, group };
    this.#remember(group.fingerprint, due.level);
    try {
      Promise.resolve(this.#options.onAlert(alert)).catch((reason: unknown) => this.#options.onHandlerError?.(reason));
    } catch (reason) {
      this.#options.onHandlerError?.(reason);
    }
    return alert;
  }

  #levelOf({ error, count }: ErrorGroup): Pick<Alert, "level" | "reason"> | undefined {
    if (error.escalate && error.severity === "critical") return { level: "critical", reason: `${error.kind} needs a person at once` };
    const { warningAt = 5, criticalAt = 20 } = this.#options;
    if (count >= criticalAt) return { level: "critical", reason: `${count} within the window` };
    if (count >= warningAt) return { level: "warning", reason: `${count} within the window` };
    return error.escalate ? { level: "warning", reason: `${error.kind} does not pass by itself` } : undefined;
  }

  #isNews(fingerprint: string, level: AlertLevel): boolean {
    const before = this.#reported.get(fingerprint);
    if (before === undefined || RANK[level] > RANK[before.level]) return true;
    return this.#clock.nowMs() - before.atMs >= (this.#options.repeatMs ?? 300_000);
  }

  #remember(fingerprint: string, level: AlertLevel): void {
    this.#reported.delete(fingerprint);
    this.#reported.set(fingerprint, { level, atMs: this.#clock.nowMs() });
    const [oldest] = this.#reported.keys();
    if (this.#reported.size > REPORTED_MAX && oldest !== undefined) this.#reported.delete(oldest);
  }
}

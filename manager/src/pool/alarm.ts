/** Milliseconds on a clock that never jumps. */
export function now(): number {
  return performance.now();
}

/** Later than this is late because the event loop was blocked, not because of the timer's own coarseness. */
const LATE_MS = 25;

/** How much of a delay is a blocked event loop's: all of it, or none where it is short enough to be ordinary. Milliseconds. */
export function blockedFor(delayMs: number): number {
  return delayMs > LATE_MS ? delayMs : 0;
}

/**
 * The one timer of a pool. It is armed for the earliest of all deadlines; what is due is found by looking, when it rings. So a deadline costs
 * a comparison, not a timer, and nothing has to be cancelled.
 */
export class Alarm {
  private timer: NodeJS.Timeout | undefined;
  private dueAt = Infinity;
  private keepsProcessAlive = false;
  private stopped = false;

  /** @param ring called when the alarm is due, with how late it is because the event loop was blocked (0 when it was not). It arms the alarm again. */
  constructor(private readonly ring: (lateMs: number) => void) {}

  /** Rings at `at` (on the clock of `now()`) or earlier. */
  arm(at: number): void {
    if (at >= this.dueAt || this.stopped) return;
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.dueAt = at;
    this.timer = setTimeout(this.onTimer, Math.max(1, Math.min(at - now(), MAX_DELAY_MS)));
    if (!this.keepsProcessAlive) this.timer.unref();
  }

  /** Whether the process must live until the alarm rings: it must while somebody waits. */
  keepProcessAlive(keep: boolean): void {
    if (keep === this.keepsProcessAlive) return;
    this.keepsProcessAlive = keep;
    if (keep) this.timer?.ref();
    else this.timer?.unref();
  }

  /** Silence, for good. */
  stop(): void {
    this.stopped = true;
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.timer = undefined;
    this.dueAt = Infinity;
  }

  private readonly onTimer = (): void => {
    const lateMs = now() - this.dueAt;
    this.timer = undefined;
    this.dueAt = Infinity;
    this.ring(blockedFor(lateMs));
  };
}

/** The longest delay that setTimeout takes, in milliseconds. */
const MAX_DELAY_MS = 2 ** 31 - 1;

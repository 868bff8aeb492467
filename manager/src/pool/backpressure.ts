/** How long the pool keeps to a lowered maximum before it tries one connection more, in milliseconds. */
const RAISE_AFTER_MS = 1000;
/** The shortest and longest pause before a pool that holds nothing asks again, in milliseconds. */
const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 150;

/**
 * "Too many clients" (53300) is the server asking for less, not a server that is down. The pool's own maximum follows as TCP's window does
 * (AIMD, RFC 5681): at most half of what it was and at most what it holds after a refusal, and raised by one for each second without another.
 * What is open stays open.
 */
export class Backpressure {
  private limit: number;
  private changedAt = -Infinity;
  private retryAt = -Infinity;

  /**
   * @param max the configured maximum
   * @param random numbers in [0, 1)
   */
  constructor(
    private readonly max: number,
    private readonly random: () => number = Math.random,
  ) {
    this.limit = max;
  }

  /** A connection was refused while the pool held `open` others. What the pool may hold from now on. */
  refused(open: number, nowMs: number): number {
    this.limit = Math.max(1, Math.min(open, Math.floor(this.limit / 2)));
    this.changedAt = nowMs;
    this.retryAt = nowMs + MIN_PAUSE_MS + this.random() * (MAX_PAUSE_MS - MIN_PAUSE_MS);
    return this.limit;
  }

  /** What the pool may hold at this moment. */
  effectiveMax(nowMs: number): number {
    if (this.limit === this.max) return this.max;
    const steps = Math.floor((nowMs - this.changedAt) / RAISE_AFTER_MS);
    if (steps > 0) {
      this.limit = Math.min(this.max, this.limit + steps);
      this.changedAt += steps * RAISE_AFTER_MS;
    }
    return this.limit;
  }

  /** When a connection may be opened again after a refusal; -Infinity while there was none. */
  get nextAttemptAt(): number {
    return this.retryAt;
  }

  /** When the maximum rises next; Infinity while it is not lowered. */
  get raisesAt(): number {
    return this.limit === this.max ? Infinity : this.changedAt + RAISE_AFTER_MS;
  }
}

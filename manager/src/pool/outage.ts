/** The shortest time between two attempts to connect while the database is down, in milliseconds. */
const MIN_GAP_MS = 50;
/** The least upper end of the jitter, in milliseconds. */
const MIN_CAP_MS = 80;
/** The longest time between two attempts, in milliseconds. */
const MAX_GAP_MS = 5000;
/** The gap grows with the outage: at most this share of how long it lasts. */
const SHARE_OF_OUTAGE = 1 / 60;

/**
 * When to try again while the database cannot be reached. One connection is tried at a time, and only while somebody waits. The gap
 * is drawn at random between 50 ms and a sixtieth of the outage's age (at least 80 ms, at most 5 s): so a short outage is noticed to be over within 100 ms, and a
 * long one, whose end wakes many processes at once, is met by attempts that are spread out. A new caller pulls the attempt forward to 50 ms
 * after the last one.
 */
export class Outage {
  private since: number | undefined;
  private lastAttemptAt = -Infinity;
  private nextAt = -Infinity;

  /** @param random numbers in [0, 1) */
  constructor(private readonly random: () => number = Math.random) {}

  get down(): boolean {
    return this.since !== undefined;
  }

  /** When the outage began, on the pool's clock. */
  get downSince(): number | undefined {
    return this.since;
  }

  /** Something showed that the database cannot be reached. Whether that is news. */
  failed(nowMs: number): boolean {
    const isNews = this.since === undefined;
    this.since ??= nowMs;
    this.schedule(nowMs);
    return isNews;
  }

  /** A connection was opened. Whether that ends an outage. */
  succeeded(): boolean {
    const wasDown = this.since !== undefined;
    this.since = undefined;
    this.nextAt = -Infinity;
    return wasDown;
  }

  /** An attempt begins. */
  attempted(nowMs: number): void {
    this.lastAttemptAt = nowMs;
    if (this.since !== undefined) this.schedule(nowMs);
  }

  /** A caller arrived: it should not have to wait for a gap that was drawn before it came. */
  arrived(): void {
    this.nextAt = Math.min(this.nextAt, this.lastAttemptAt + MIN_GAP_MS);
  }

  /** When the next attempt may begin, on the pool's clock. -Infinity while nothing is wrong. */
  get nextAttemptAt(): number {
    return this.nextAt;
  }

  private schedule(nowMs: number): void {
    const ageMs = nowMs - (this.since ?? nowMs);
    const capMs = Math.min(MAX_GAP_MS, Math.max(MIN_CAP_MS, ageMs * SHARE_OF_OUTAGE));
    this.nextAt = nowMs + MIN_GAP_MS + this.random() * (capMs - MIN_GAP_MS);
  }
}

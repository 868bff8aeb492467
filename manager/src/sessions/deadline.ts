/** What a running statement, or COMMIT, gets beyond the deadline, so that the server can answer first: a tenth, within these bounds. Milliseconds. */
const MARGIN_SHARE = 0.1;
const MARGIN_MIN_MS = 100;
const MARGIN_MAX_MS = 2_000;

/** One deadline, kept by one timer. Times are on the clock of `performance.now()`. */
export class Deadline {
  endsAt: number;
  readonly #marginMs: number;
  #timer: NodeJS.Timeout | undefined;
  #extended = false;
  #stopped = false;

  /**
   * @param waitsForServer whether the server has something to answer at this moment
   * @param onPassed called once, after the event loop has taken in what had arrived
   */
  constructor(
    deadlineMs: number,
    private readonly waitsForServer: () => boolean,
    private readonly onPassed: () => void,
  ) {
    this.endsAt = performance.now() + deadlineMs;
    this.#marginMs = marginOf(deadlineMs);
    this.#arm();
  }

  /** Whole milliseconds left, at least 1. */
  get remainingMs(): number {
    return Math.max(1, Math.ceil(this.endsAt - performance.now()));
  }

  get passed(): boolean {
    return performance.now() >= this.endsAt;
  }

  /** After how long the server gives up by itself, so that it answers before this process cuts it off, and also where this process cannot tell it. Milliseconds. */
  get serverLimitMs(): number {
    return this.remainingMs + Math.ceil(this.#marginMs / 2);
  }

  /** Brings the end forward; never puts it off. */
  shorten(deadlineMs: number): void {
    const endsAt = performance.now() + deadlineMs;
    if (endsAt >= this.endsAt) return;
    this.endsAt = endsAt;
    this.#extended = false;
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const at = this.endsAt + (this.#extended ? this.#marginMs : 0);
    // A blocked event loop fires timers before it reads what has arrived: answers get their turn first.
    this.#timer = setTimeout(() => setImmediate(() => setImmediate(() => this.#due())), Math.max(0, at - performance.now()));
  }

  #due(): void {
    if (this.#stopped) return;
    if (!this.#extended && this.waitsForServer()) {
      this.#extended = true;
      this.#arm();
      return;
    }
    this.onPassed();
  }
}

/** See MARGIN_SHARE. */
export function marginOf(deadlineMs: number): number {
  return Math.min(MARGIN_MAX_MS, Math.max(MARGIN_MIN_MS, deadlineMs * MARGIN_SHARE));
}

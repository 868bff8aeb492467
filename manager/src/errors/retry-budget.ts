/** Tokens at the start and at most. */
const TOKENS_MAX = 10;
/** What a success gives back, and a retry costs: at most one retry per ten successes in the long run, so retries cannot multiply the load on a server that fails. */
const TOKENS_PER_SUCCESS = 0.1;
const TOKENS_PER_RETRY = 1;

/** A token bucket that all calls to one database share. */
export class RetryBudget {
  #tokens = TOKENS_MAX;

  /** What is left, from 0 to 10. */
  get tokens(): number {
    return this.#tokens;
  }

  /** Tells of a call that succeeded. */
  succeeded(): void {
    this.#tokens = Math.min(TOKENS_MAX, this.#tokens + TOKENS_PER_SUCCESS);
  }

  /** Takes the token for one retry; false where there is none. */
  take(): boolean {
    if (this.#tokens < TOKENS_PER_RETRY) return false;
    this.#tokens -= TOKENS_PER_RETRY;
    return true;
  }
}

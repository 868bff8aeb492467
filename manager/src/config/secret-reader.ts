import { BulkheadError, systemClock } from "../errors";
import type { Clock } from "../errors";
import { within } from "../errors/within";

export interface SecretReaderOptions {
  /** How long a value that was read is good. Default 300,000. Milliseconds. */
  readonly ttlMs?: number;
  /** How long a failure is answered from memory, so that a store that is down is not asked by every caller. Default 5,000. Milliseconds. */
  readonly negativeTtlMs?: number;
  /** A value younger than this is not read again, whoever asks: a wrong password must not become a storm. Default 1,000. Milliseconds. */
  readonly refreshMinMs?: number;
  /** For one reading. Default 10,000. Milliseconds. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

/**
 * Reads one secret for many callers: one reading at a time, whose answer all get; a value is kept for a while, a failure for a shorter while. When the value has grown old
 * and the store does not answer, the old value stays in use, unless the caller knows that it is wrong (`refresh`).
 */
export class SecretReader<T> {
  readonly #read: (signal: AbortSignal) => Promise<T>;
  readonly #options: SecretReaderOptions;
  readonly #clock: Clock;
  #reading: Promise<T> | undefined;
  #known: { readonly value: T; readonly atMs: number } | undefined;
  #failure: { readonly error: unknown; readonly atMs: number } | undefined;

  constructor(read: (signal: AbortSignal) => Promise<T>, options: SecretReaderOptions = {}) {
    this.#read = read;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * The secret. With `refresh`, for a caller whose value was rejected, it is read anew.
   *
   * @throws BulkheadError `SECRET_TIMEOUT` where the store does not answer in time, or what reading it threw
   */
  async get({ refresh = false }: { readonly refresh?: boolean } = {}): Promise<T> {
    const { ttlMs = 300_000, negativeTtlMs = 5_000, refreshMinMs = 1_000 } = this.#options;
    const nowMs = this.#clock.nowMs();
    const known = this.#known;
    if (known !== undefined && nowMs - known.atMs < (refresh ? refreshMinMs : ttlMs)) return known.value;
    if (this.#failure !== undefined && nowMs - this.#failure.atMs < negativeTtlMs) {
      if (known !== undefined && !refresh) return known.value;
      throw this.#failure.error;
    }
    this.#reading ??= this.#readOnce().finally(() => (this.#reading = undefined));
    try {
      return await this.#reading;
    } catch (error) {
      if (known !== undefined && !refresh) return known.value;
      throw error;
    }
  }

  async #readOnce(): Promise<T> {
    const { timeoutMs = 10_000 } = this.#options;
    const noAnswer = () => new BulkheadError("SECRET_TIMEOUT", `the secret store gave no answer within ${timeoutMs} ms`, { hint: "check that this network reaches the store, and its status page" });
    try {
      const value = await within(this.#clock, timeoutMs, this.#read, noAnswer);
      this.#known = { value, atMs: this.#clock.nowMs() };
      this.#failure = undefined;
      return value;
    } catch (error) {
      this.#failure = { error, atMs: this.#clock.nowMs() };
      throw error;
    }
  }
}

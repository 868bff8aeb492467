import { BulkheadError } from "./bulkhead-error";
import type { ClassifiedError } from "./classified-error";
import { classifyError } from "./classify";
import { systemClock } from "./clock";
import type { Clock } from "./clock";
import { RetryBudget } from "./retry-budget";

/** Told to the function on each attempt. */
export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  /** Aborted when the caller's signal is, and at the deadline. */
  readonly signal: AbortSignal;
  /** To be called right before the first write is sent. From then on only an error that proves the rollback is retried, unless `idempotent`. */
  writeSent(): void;
  /** To be called right before COMMIT is sent. From then on a lost connection is an unknown outcome, which is never retried. */
  commitSent(): void;
}

export interface RetryOptions {
  /** Attempts in all; default 3, at least 1. */
  readonly attemptsMax?: number;
  /** For everything together, waiting included; default 30,000 ms. */
  readonly deadlineMs?: number;
  /** The longest pause before the first retry; it doubles with each; default 50 ms. */
  readonly delayMinMs?: number;
  /** The longest pause at all; default 5,000 ms. */
  readonly delayMaxMs?: number;
  /** True where doing it twice is as good as once. Default false. */
  readonly idempotent?: boolean;
  /** Shared by the calls to one database. Default: a bucket that all calls without a `budget` of their own share. */
  readonly budget?: RetryBudget;
  readonly signal?: AbortSignal;
  /** Told of each retry before its pause. */
  readonly onRetry?: (event: { readonly attempt: number; readonly delayMs: number; readonly error: ClassifiedError }) => void;
  readonly clock?: Clock;
  /** From 0 to 1; default `Math.random`. */
  readonly random?: () => number;
}

const sharedBudget = new RetryBudget();

/**
 * Runs `run` until it succeeds, with a pause of full jitter (anything from 0 to 50 ms, 100 ms, … 5 s) between attempts. Throws what the last attempt threw where
 * repeating it is useless or unsafe (see `classifyError`), attempts or budget are used up, or the pause would pass the deadline.
 *
 * Throws `BulkheadError` `RETRY_DEADLINE` where an attempt is still running at the deadline (its signal is aborted; its own end is ignored), and
 * `RETRY_ABORTED` where `signal` is aborted.
 */
export async function retry<T>(run: (attempt: Attempt) => Promise<T> | T, options: RetryOptions = {}): Promise<T> {
  const clock = options.clock ?? systemClock;
  const budget = options.budget ?? sharedBudget;
  const attemptsMax = Math.max(1, options.attemptsMax ?? 3);
  const endsAtMs = clock.nowMs() + (options.deadlineMs ?? 30_000);
  let last: unknown;

  for (let number = 1; ; number += 1) {
    const outcome = await attemptOnce(run, number, endsAtMs, last, options, clock);
    if (outcome.ok) {
      budget.succeeded();
      return outcome.value;
    }
    last = outcome.error;
    const classified = classifyError(last, outcome.commitSent ? { phase: "commit" } : {});
    const delayMs = pauseMs(number, options);
    const useful = outcome.mayRetry && classified.retryable && number < attemptsMax && clock.nowMs() + delayMs < endsAtMs;
    // Only a server that answered has surely rolled back; where the connection went away the write may have been kept.
    const safe = !outcome.writeSent || options.idempotent === true || classified.retry !== "connection";
    if (!useful || !safe || !budget.take()) throw last;
    options.onRetry?.({ attempt: number, delayMs, error: classified });
    await pause(delayMs, clock, options.signal, last);
  }
}

/** Full jitter: spreads the retries of many clients over the whole pause, instead of having them return together. */
function pauseMs(attempt: number, { delayMinMs = 50, delayMaxMs = 5_000, random = Math.random }: RetryOptions): number {
  return random() * Math.min(delayMaxMs, delayMinMs * 2 ** (attempt - 1));
}

type Outcome<T> = { ok: true; value: T } | { ok: false; error: unknown; writeSent: boolean; commitSent: boolean; mayRetry: boolean };

function attemptOnce<T>(run: (attempt: Attempt) => Promise<T> | T, number: number, endsAtMs: number, previous: unknown, options: RetryOptions, clock: Clock): Promise<Outcome<T>> {
  return new Promise((resolve) => {
    const controller = new AbortController();
    let writeSent = false;
    let commitSent = false;
    let settled = false;

    const settle = (outcome: Outcome<T>): void => {
      if (settled) return;
      settled = true;
      cancelTimer();
      options.signal?.removeEventListener("abort", abort);
      resolve(outcome);
    };
    const giveUp = (error: BulkheadError): void => {
      if (settled) return;
      settle({ ok: false, error, writeSent, commitSent, mayRetry: false });
      controller.abort(error);
    };
    const abort = (): void => giveUp(aborted(options.signal, previous));
    const expire = (): void => giveUp(new BulkheadError("RETRY_DEADLINE", `The deadline passed in attempt ${number}.`, { hint: "raise deadlineMs, or find what is slow", cause: previous }));
    // A blocked event loop fires timers before it reads what has arrived: the answer gets one turn to come in first.
    const cancelTimer = clock.schedule(Math.max(0, endsAtMs - clock.nowMs()), () => clock.afterIo(() => clock.afterIo(expire)));

    if (options.signal?.aborted) return abort();
    options.signal?.addEventListener("abort", abort, { once: true });
    const attempt: Attempt = { number, signal: controller.signal, writeSent: () => void (writeSent = true), commitSent: () => void (commitSent = writeSent = true) };
    new Promise<T>((done) => done(run(attempt))).then(
      (value) => settle({ ok: true, value }),
      (error: unknown) => settle({ ok: false, error, writeSent, commitSent, mayRetry: true }),
    );
  });
}

function pause(delayMs: number, clock: Clock, signal: AbortSignal | undefined, last: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal, last));
    const abort = (): void => {
      cancelTimer();
      reject(aborted(signal, last));
    };
    const cancelTimer = clock.schedule(delayMs, () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    signal?.addEventListener("abort", abort, { once: true });
  });
}

function aborted(signal: AbortSignal | undefined, last: unknown): BulkheadError {
  return new BulkheadError("RETRY_ABORTED", "The caller aborted before an attempt succeeded.", { cause: last ?? signal?.reason });
}

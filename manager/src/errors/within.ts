import type { BulkheadError } from "./bulkhead-error";
import type { Clock } from "./clock";

/**
 * Runs something that may never end. Past `timeoutMs` its signal is aborted, its own end ignored, and the given error thrown; the timer is gone with its end.
 *
 * @throws what `makeError` makes past the deadline; else what `run` throws
 */
export async function within<T>(clock: Clock, timeoutMs: number, run: (signal: AbortSignal) => Promise<T>, makeError: () => BulkheadError): Promise<T> {
  const controller = new AbortController();
  let cancel = (): void => undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    cancel = clock.schedule(timeoutMs, () => {
      const error = makeError();
      reject(error);
      controller.abort(error);
    });
  });
  try {
    return await Promise.race([run(controller.signal), expired]);
  } finally {
    cancel();
  }
}

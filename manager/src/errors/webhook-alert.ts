import { BulkheadError, messageOf } from "./bulkhead-error";
import { redact } from "./redact";
import { retry } from "./retry";
import { RetryBudget } from "./retry-budget";
import type { Alert } from "./escalation-policy";

export interface WebhookAlertOptions {
  /** Where alerts are posted as JSON. Taken for a secret, since such addresses often are: it is in no message. */
  readonly url: string;
  /** For one attempt; default 5,000 ms. */
  readonly timeoutMs?: number;
  /** Default 3. */
  readonly attemptsMax?: number;
  /** Further headers, e.g. `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Alerts that may be on their way at once; more are refused, because an alarm that floods its receiver helps nobody. */
const IN_FLIGHT_MAX = 4;

/**
 * An `onAlert` that posts `{level, reason, class, kind, code, meaning, message, count, requests, operations}` to a webhook. Bounded in time, attempts and number; an answer
 * other than 2xx is a failure, repeated for 429 and 5xx only.
 *
 * The returned function rejects with `BulkheadError` `WEBHOOK_FAILED` or `WEBHOOK_BUSY`.
 */
export function webhookAlert(options: WebhookAlertOptions): (alert: Alert) => Promise<void> {
  const { url, timeoutMs = 5_000, attemptsMax = 3 } = options;
  const budget = new RetryBudget();
  const secrets = [url, ...Object.values(options.headers ?? {})];
  let inFlight = 0;

  return async (alert) => {
    if (inFlight >= IN_FLIGHT_MAX) throw new BulkheadError("WEBHOOK_BUSY", `${IN_FLIGHT_MAX} alerts are on their way already; this one was not sent.`);
    inFlight += 1;
    try {
      await retry(({ signal }) => post(options, alert, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])), { attemptsMax, idempotent: true, budget, deadlineMs: (timeoutMs + 5_000) * attemptsMax });
    } catch (error) {
      throw new BulkheadError("WEBHOOK_FAILED", `The alert could not be posted: ${redact(messageOf(error), secrets)}`, { hint: "check the webhook's address, and that this host may reach it" });
    } finally {
      inFlight -= 1;
    }
  };
}

async function post({ url, headers }: WebhookAlertOptions, alert: Alert, signal: AbortSignal): Promise<void> {
  let response: Response;
  try {
    response = await fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(payloadOf(alert)), signal, redirect: "error" });
  } catch (error) {
    throw new WebhookError(`no answer (${messageOf(error)})`, "ECONNRESET");
  }
  await response.body?.cancel();
  if (response.ok) return;
  throw new WebhookError(`the answer was ${response.status}`, response.status === 429 || response.status >= 500 ? "ECONNRESET" : undefined);
}

/** Carries the code by which `classifyError` knows what passes by itself. */
class WebhookError extends Error {
  constructor(
    message: string,
    readonly code: string | undefined,
  ) {
    super(message);
  }
}

function payloadOf({ level, reason, group }: Alert): Record<string, unknown> {
  const { error, count, requests, operations } = group;
  return { level, reason, class: error.class, kind: error.kind, code: error.code, meaning: error.meaning, message: redact(error.message), count, requests, operations: operations.map((operation) => redact(operation)) };
}

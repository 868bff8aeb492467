import type { ErrorClass, Verdict } from "./classified-error";

function verdict(errorClass: ErrorClass, kind: string, more: Partial<Verdict> = {}): Verdict {
  return { class: errorClass, kind, severity: "error", userImpact: "request-failed", retry: "never", escalate: false, connectionUsable: true, ...more };
}

const LOST = { userImpact: "service-unavailable", retry: "connection", connectionUsable: false } as const;
const MISCONFIGURED = { severity: "critical", userImpact: "service-unavailable", escalate: true } as const;
const CALLED_OFF = { severity: "warning" } as const;

/** This library's own codes that say it all: what is wrapped in `cause` (a lost connection below an unknown COMMIT) would say less. */
const BY_CODE: Readonly<Record<string, Verdict>> = {
  POOL_COMMIT_UNKNOWN: verdict("unknown-outcome", "commit-unknown", { severity: "critical", userImpact: "data-at-risk", escalate: true, connectionUsable: false }),
  // Not repeated: it would take as long again, and where it was a write, it may have happened.
  POOL_QUERY_TIMEOUT: verdict("timeout", "query-deadline", { connectionUsable: false }),
  POOL_CONNECT_TIMEOUT: verdict("connection", "connect-timeout", LOST),
  POOL_VALIDATION_TIMEOUT: verdict("connection", "validation-timeout", LOST),
  // Not repeated: a full queue empties sooner where nobody comes back.
  POOL_QUEUE_FULL: verdict("resource", "pool-queue-full", { userImpact: "service-unavailable" }),
  POOL_ACQUIRE_ABORTED: verdict("cancelled", "aborted", CALLED_OFF),
  POOL_CLOSED: verdict("internal", "pool-closed", { connectionUsable: false }),
  POOL_DOUBLE_RELEASE: verdict("internal", "released-twice", { escalate: true }),
  POOL_OPTIONS_INVALID: verdict("configuration", "pool-options", MISCONFIGURED),
  POOL_SESSION_UNSUPPORTED: verdict("configuration", "needs-a-session", { userImpact: "feature-unavailable", escalate: true }),
  CONFIG_INVALID: verdict("configuration", "settings", MISCONFIGURED),
  CONFIG_POOL_OVER_BUDGET: verdict("configuration", "pool-over-budget", MISCONFIGURED),
  CONFIG_LOGIN_CHANGED: verdict("configuration", "login-changed", MISCONFIGURED),
  // What the store's SDK or the file system said lies in their cause, and would pass for a fault of the database's connection.
  SECRET_UNREADABLE: verdict("configuration", "secret-unreadable", MISCONFIGURED),
  SECRET_UNWRITABLE: verdict("configuration", "secret-unwritable", MISCONFIGURED),
  SECRET_SDK_MISSING: verdict("configuration", "secret-sdk-missing", MISCONFIGURED),
  // Nothing was sent to the database yet.
  SECRET_TIMEOUT: verdict("timeout", "secret-store-timeout", { userImpact: "service-unavailable", retry: "connection" }),
  IDENTITY_NO_KEY: verdict("configuration", "identity-key-missing", MISCONFIGURED),
  FALLBACK_OPTIONS: verdict("configuration", "fallback-options", MISCONFIGURED),
  // Not repeated, as with a full queue.
  FALLBACK_BUSY: verdict("resource", "fallback-queue-full", { userImpact: "service-unavailable" }),
  FALLBACK_WAIT_TIMEOUT: verdict("resource", "fallback-return-slow", { userImpact: "service-unavailable" }),
  FALLBACK_TIMEOUT: verdict("timeout", "fallback-merge-deadline"),
  FALLBACK_CLOSED: verdict("internal", "fallback-closed"),
};

/** Codes whose cause tells more, where they have one that is known. */
const BY_CODE_WITHOUT_CAUSE: Readonly<Record<string, Verdict>> = {
  // No failure to connect stands behind it, so the connections are all in use. Not repeated: who asks again stands at the end of the same queue.
  POOL_ACQUIRE_TIMEOUT: verdict("resource", "pool-exhausted", { userImpact: "service-unavailable" }),
  SESSION_DEADLINE: verdict("timeout", "session-deadline", { connectionUsable: false }),
  SESSION_ABORTED: verdict("cancelled", "aborted", CALLED_OFF),
  RETRY_DEADLINE: verdict("timeout", "retry-deadline"),
  RETRY_ABORTED: verdict("cancelled", "aborted", CALLED_OFF),
  PROBE_TIMEOUT: verdict("timeout", "probe-deadline", { userImpact: "service-unavailable" }),
  // The breaker knows when to try again; a retry would only knock at a closed door.
  BREAKER_OPEN: verdict("connection", "breaker-open", { userImpact: "service-unavailable" }),
};

/** The verdict on an error of this library that is classified by its own code; undefined for any other. */
export function libraryVerdict({ code }: { readonly code: string }): Verdict | undefined {
  return Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
}

/** The verdict on an error of this library whose cause, if any, told nothing. */
export function libraryVerdictWithoutCause({ code }: { readonly code: string }): Verdict | undefined {
  return Object.hasOwn(BY_CODE_WITHOUT_CAUSE, code) ? BY_CODE_WITHOUT_CAUSE[code] : undefined;
}

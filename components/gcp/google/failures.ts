import { BulkheadError, messageOf } from "../../../manager/src/errors/bulkhead-error";
import { redact } from "../../../manager/src/errors/redact";

/** Google's canonical names of what can go wrong (google.rpc.Code), and two for what happens before Google answers. */
export type GoogleStatus =
  | "INVALID_ARGUMENT" | "DEADLINE_EXCEEDED" | "NOT_FOUND" | "ALREADY_EXISTS" | "PERMISSION_DENIED" | "RESOURCE_EXHAUSTED" | "FAILED_PRECONDITION"
  | "ABORTED" | "INTERNAL" | "UNAVAILABLE" | "UNAUTHENTICATED" | "UNREACHABLE" | "UNKNOWN";

const BY_HTTP: Readonly<Record<number, GoogleStatus>> = {
  400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ALREADY_EXISTS", 412: "FAILED_PRECONDITION",
  429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
};
const NAMED = new Set<string>(["INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "INTERNAL", "UNAVAILABLE", "UNAUTHENTICATED"]);

/** What google-auth-library says, in several ways, when nobody is logged in or the login has run out. */
const NOT_LOGGED_IN = /could not load the default credentials|invalid_grant|invalid_rapt|no refresh token|reauth|unable to detect a project|invalid authentication credentials/i;

/** Google's words where an API was never switched on in the project, which it reports as a missing permission (`SERVICE_DISABLED`). */
const API_OFF = /has not been used in project|it is disabled|SERVICE_DISABLED/;

/** What a call to Google failed with. */
export interface GoogleFailure {
  readonly status: GoogleStatus;
  /** Google's own words, redacted and cut. */
  readonly message: string;
}

/** Reads an error of google-auth-library, gaxios or one of Google's client libraries. Pure. */
export function readFailure(error: unknown): GoogleFailure {
  const { status, code, response } = (typeof error === "object" && error !== null ? error : {}) as { status?: unknown; code?: unknown; response?: { status?: unknown; data?: unknown } };
  const body = bodyOf(response?.data) ?? bodyOf(messageOf(error));
  const message = redact(body?.message ?? messageOf(error)).slice(0, 400);
  const http = [status, response?.status, body?.code].find((value): value is number => typeof value === "number");
  const named = body?.status !== undefined && NAMED.has(body.status) ? (body.status as GoogleStatus) : undefined;
  if (NOT_LOGGED_IN.test(message)) return { status: "UNAUTHENTICATED", message };
  if (named !== undefined) return { status: named, message };
  if (http !== undefined) return { status: BY_HTTP[http] ?? "UNKNOWN", message };
  if (typeof code === "string" && /^(E[A-Z_]+|UND_ERR_\w+)$/.test(code)) return { status: "UNREACHABLE", message };
  return { status: "UNKNOWN", message };
}

/** `{"error": {code, status, message}}`, as an object or as text. */
function bodyOf(data: unknown): { code?: number; status?: string; message: string } | undefined {
  let value = data;
  if (typeof data === "string") {
    try {
      value = JSON.parse(data);
    } catch {
      return undefined;
    }
  }
  const error = (value as { error?: unknown } | null)?.error;
  return typeof error === "object" && error !== null && typeof (error as { message?: unknown }).message === "string" ? (error as { message: string }) : undefined;
}

/** Whether the same call may do better in a moment: Google was busy, and has done nothing. */
export function isPassing({ status }: GoogleFailure): boolean {
  return status === "RESOURCE_EXHAUSTED" || status === "UNAVAILABLE";
}

/** Whether a connection broke under the call, as one does that was kept open for the next call and that the other end had just closed. */
export function isConnectionLost(error: unknown): boolean {
  const { code, cause } = (typeof error === "object" && error !== null ? error : {}) as { code?: unknown; cause?: unknown };
  if (code === "ECONNRESET" || code === "EPIPE" || code === "UND_ERR_SOCKET") return true;
  return cause !== undefined && cause !== error && isConnectionLost(cause);
}

/**
 * The error for a person.
 *
 * @param what what was being done, as half a sentence: "reading the secret x"
 * @param permission the role or permission that it needs, for the hint
 */
export function googleError(error: unknown, what: string, permission?: string): BulkheadError {
  if (error instanceof BulkheadError) return error;
  const { status, message } = readFailure(error);
  const said = `${what} failed: ${message.replace(/\.$/, "")}`;
  switch (status) {
    case "UNAUTHENTICATED":
      return new BulkheadError("GCP_CREDENTIALS", `${said}. There are no Google credentials, or they have expired`, { hint: "gcloud auth application-default login, or a fresh GOOGLE_OAUTH_ACCESS_TOKEN", cause: error });
    case "PERMISSION_DENIED":
      if (API_OFF.test(message)) return new BulkheadError("GCP_API_OFF", said, { hint: `gcloud services enable ${/[a-z]+\.googleapis\.com/.exec(message)?.[0] ?? "cloudresourcemanager.googleapis.com sqladmin.googleapis.com"}, then wait a minute`, cause: error });
      return new BulkheadError("GCP_PERMISSION", said, { hint: permission === undefined ? "give this account the permission that the message names" : `give this account ${permission}: gcloud projects add-iam-policy-binding <project> --member=<account> --role=<role>`, cause: error });
    case "RESOURCE_EXHAUSTED":
    case "UNAVAILABLE":
      return new BulkheadError("GCP_BUSY", `${said}, after several attempts`, { hint: "run the command again in a minute; if it stays so, look at the project's quotas and https://status.cloud.google.com", cause: error });
    case "UNREACHABLE":
    case "DEADLINE_EXCEEDED":
      return new BulkheadError("GCP_UNREACHABLE", said, { hint: "check this machine's network, proxy and any gcp:…CustomEndpoint setting", cause: error });
    case "INVALID_ARGUMENT":
    case "NOT_FOUND":
    case "ALREADY_EXISTS":
    case "FAILED_PRECONDITION":
    case "ABORTED":
    case "INTERNAL":
    case "UNKNOWN":
      return new BulkheadError("GCP_REQUEST_FAILED", `${said} [${status}]`, { cause: error });
  }
}

import type { ClassifiedError, EscalationPolicy } from "../errors";
import type { IdentityError, IdentityErrorCode } from "./identity-error";

/** Refusals that no honest caller causes by a slow clock or a retry. */
const SUSPICIOUS: ReadonlySet<IdentityErrorCode> = new Set(["IDENTITY_ALGORITHM", "IDENTITY_SIGNATURE", "IDENTITY_REPLAY", "IDENTITY_BINDING", "IDENTITY_AUDIENCE", "IDENTITY_FORBIDDEN"]);
/** Nobody's attack, but this side's trouble. */
const OWN_TROUBLE: ReadonlySet<IdentityErrorCode> = new Set(["IDENTITY_UNAVAILABLE", "IDENTITY_BODY_UNREADABLE"]);

/**
 * Counts refused requests by reason, and hands each to an escalation policy, grouped by reason and caller: one refusal is noise, twenty replays of one caller's tokens within a minute are an attack, and
 * are told as one alert.
 */
export class IdentityFailures {
  readonly #counts = new Map<IdentityErrorCode, number>();
  readonly #escalation: EscalationPolicy | undefined;

  constructor(escalation?: EscalationPolicy) {
    this.#escalation = escalation;
  }

  /** Since the start, by reason. */
  counts(): Readonly<Partial<Record<IdentityErrorCode, number>>> {
    return Object.fromEntries(this.#counts);
  }

  record(error: IdentityError, place: { readonly operation: string; readonly request?: string | undefined }): void {
    this.#counts.set(error.code, (this.#counts.get(error.code) ?? 0) + 1);
    this.#escalation?.record(classifyIdentity(error), { operation: place.operation.slice(0, 100), ...(place.request === undefined ? {} : { request: place.request.slice(0, 100) }) });
  }
}

function classifyIdentity(error: IdentityError): ClassifiedError {
  const kind = error.code.toLowerCase().replaceAll("_", "-");
  const own = OWN_TROUBLE.has(error.code);
  return {
    class: own ? "internal" : "permission",
    kind,
    severity: SUSPICIOUS.has(error.code) || own ? "error" : "warning",
    userImpact: "request-failed",
    retry: "never",
    retryable: false,
    escalate: false,
    connectionUsable: true,
    code: error.code,
    meaning: kind.replaceAll("-", " "),
    // No more than this: the group is the reason and the caller, whatever the request was.
    message: `${error.code} from ${error.caller ?? "nobody of the catalog"}`,
  };
}

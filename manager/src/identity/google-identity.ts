import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import type { JWTVerifyGetKey } from "jose";
import type { Catalog } from "../catalog/catalog";
import { BulkheadError, messageOf, redact, systemClock } from "../errors";
import type { Clock, EscalationPolicy } from "../errors";
import { within } from "../errors/within";
import { IdentityFailures } from "./failures";
import { IdentityError } from "./identity-error";
import { bearerToken, refusalOf, singleHeader } from "./verify-request";
import type { Caller, IncomingRequest, Verifier } from "./verify-request";

/** Google's public keys for ID tokens (its OpenID configuration, `jwks_uri`). */
const GOOGLE_KEYS_URL = "https://www.googleapis.com/oauth2/v3/certs";
/** Both spellings occur. */
const GOOGLE_ISSUERS = ["https://accounts.google.com", "accounts.google.com"];
/** The metadata server of Cloud Run and Compute Engine; it answers only to those who send `Metadata-Flavor`. */
const METADATA_URL = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity";

export interface GoogleVerifierOptions {
  /** The service that is called: this one. */
  readonly service: string;
  readonly catalog: Catalog;
  /** What callers ask their token for: this service's URL. */
  readonly audience: string;
  /** Service account's e-mail → name of the service in the catalog. */
  readonly callers: Readonly<Record<string, string>>;
  /** Google's keys. Default: fetched, cached and renewed by jose. */
  readonly keys?: JWTVerifyGetKey;
  /** By how much clocks may differ. Default 30,000. Milliseconds. */
  readonly skewMs?: number;
  readonly escalation?: EscalationPolicy;
  readonly now?: () => number;
}

/**
 * Checks Google's ID tokens in `authorization`, as services on Cloud Run send them. Such a token is good for many requests in an hour and says nothing of any of them; where a replay matters, ask for this library's
 * token as well.
 */
export class GoogleIdentityVerifier implements Verifier {
  readonly failures: IdentityFailures;
  readonly #options: GoogleVerifierOptions;
  readonly #keys: JWTVerifyGetKey;

  constructor(options: GoogleVerifierOptions) {
    this.#options = options;
    this.#keys = options.keys ?? createRemoteJWKSet(new URL(GOOGLE_KEYS_URL), { timeoutDuration: 5_000 });
    this.failures = new IdentityFailures(options.escalation);
  }

  /** @throws IdentityError with the reason; it is counted */
  async verifyRequest(request: IncomingRequest): Promise<Caller> {
    try {
      return await this.#verify(request);
    } catch (error) {
      const known = refusalOf(error, undefined);
      const refusal = known instanceof IdentityError ? known : new IdentityError("IDENTITY_UNAVAILABLE", `Google's token cannot be checked: ${redact(messageOf(error))}`, { cause: error });
      this.failures.record(refusal, { operation: `${request.method} ${request.target.split("?")[0] ?? ""}`, request: singleHeader(request.headers["x-request-id"]) });
      throw refusal;
    }
  }

  async #verify({ headers }: IncomingRequest): Promise<Caller> {
    const { service, catalog, audience, callers, skewMs = 30_000, now = Date.now } = this.#options;
    const { payload } = await jwtVerify(bearerToken(headers["authorization"]), this.#keys, {
      algorithms: ["RS256"],
      issuer: GOOGLE_ISSUERS,
      audience,
      clockTolerance: skewMs / 1_000,
      requiredClaims: ["iss", "aud", "iat", "exp", "email"],
      currentDate: new Date(now()),
    });
    const { email, email_verified: verified } = payload;
    const name = typeof email === "string" && verified === true && Object.hasOwn(callers, email) ? callers[email] : undefined;
    const caller = catalog.services.find((candidate) => candidate.name === name);
    if (name === undefined || caller === undefined) throw new IdentityError("IDENTITY_UNKNOWN_CALLER", "the service account stands for no service of the catalog", { hint: "add it to callers" });
    if (!caller.calls.includes(service)) throw new IdentityError("IDENTITY_FORBIDDEN", `${name} does not call ${service} by the catalog`, { caller: name, hint: `add ${service} to calls of ${name} in services.ts, if it should` });
    return { service: name, tokenId: undefined, via: "google" };
  }
}

export interface GoogleIdTokensOptions {
  /** The URL of the service to call. */
  readonly audience: string;
  /** Default: Google's metadata server. */
  readonly metadataUrl?: string;
  /** For one answer. Default 5,000. Milliseconds. */
  readonly timeoutMs?: number;
  readonly now?: () => number;
  readonly clock?: Clock;
}

/** A token is renewed this long before it runs out. Milliseconds. */
const RENEW_BEFORE_MS = 120_000;

/** Google's ID tokens for calls to one service: asked for where it runs on Google's machines, kept until shortly before they run out, one question at a time. */
export class GoogleIdTokens {
  readonly #options: GoogleIdTokensOptions;
  #token: { readonly text: string; readonly expiresMs: number } | undefined;
  #asking: Promise<string> | undefined;

  constructor(options: GoogleIdTokensOptions) {
    this.#options = options;
  }

  /** The headers to send along. @throws BulkheadError `IDENTITY_NO_TOKEN` where no metadata server answers */
  async headers(): Promise<Record<string, string>> {
    const { now = Date.now } = this.#options;
    if (this.#token === undefined || this.#token.expiresMs - now() < RENEW_BEFORE_MS) {
      this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
      return { authorization: `Bearer ${await this.#asking}` };
    }
    return { authorization: `Bearer ${this.#token.text}` };
  }

  async #ask(): Promise<string> {
    const { audience, metadataUrl = METADATA_URL, timeoutMs = 5_000, clock = systemClock } = this.#options;
    const noToken = (why: string, cause?: unknown) => new BulkheadError("IDENTITY_NO_TOKEN", `Google's metadata server gives no ID token for ${audience}: ${why}`, { hint: "run it on Cloud Run or Compute Engine with a service account", ...(cause === undefined ? {} : { cause }) });
    let text: string;
    try {
      text = await within(clock, timeoutMs, async (signal) => {
        const answer = await fetch(`${metadataUrl}?${new URLSearchParams({ audience, format: "full" }).toString()}`, { headers: { "metadata-flavor": "Google" }, signal });
        const body = (await answer.text()).slice(0, 16_384).trim();
        if (!answer.ok) throw noToken(`it answered ${answer.status}`);
        return body;
      }, () => noToken(`no answer within ${timeoutMs} ms`));
    } catch (error) {
      throw error instanceof BulkheadError ? error : noToken(redact(messageOf(error)), error);
    }
    let expiresMs: number;
    try {
      expiresMs = (decodeJwt(text).exp ?? 0) * 1_000;
    } catch (cause) {
      throw noToken("what it answered is no token", cause);
    }
    this.#token = { text, expiresMs };
    return text;
  }
}

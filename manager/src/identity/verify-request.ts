import { decodeProtectedHeader, errors, importJWK, jwtVerify } from "jose";
import type { JWTPayload, KeyLike, ProtectedHeaderParameters } from "jose";
import type { Catalog } from "../catalog/catalog";
import { SecretReader } from "../config/secret-reader";
import { messageOf, redact } from "../errors";
import type { Clock, EscalationPolicy } from "../errors";
import { IdentityFailures } from "./failures";
import { IdentityError } from "./identity-error";
import type { IdentityKeyStore } from "./key-store";
import { ALGORITHM, KEYS_TTL_MS, acceptedKeyAt } from "./keys";
import type { IdentityKey } from "./keys";
import { ReplayCache } from "./replay-cache";
import type { ReplayStore } from "./replay-cache";
import { IDENTITY_HEADER, TOKEN_CHARS_MAX, TOKEN_LIFETIME_MS, TOKEN_TYPE, bodyHash, equalInConstantTime } from "./request-token";

/** A request that has come in. */
export interface IncomingRequest {
  readonly method: string;
  /** Path and query as received, not decoded or normalised. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Called once the signature is known to be good: nobody makes the server read a body without. */
  readonly body: () => Promise<Uint8Array | undefined> | Uint8Array | undefined;
}

/** Who is calling. */
export interface Caller {
  readonly service: string;
  /** Unique for tokens of this library; undefined for Google's. */
  readonly tokenId: string | undefined;
  readonly via: "bulkhead" | "google";
}

/** What the middleware needs of a verifier. */
export interface Verifier {
  verifyRequest(request: IncomingRequest): Promise<Caller>;
}

export interface RequestVerifierOptions {
  /** The service that is called: this one. */
  readonly service: string;
  /** Who may call whom. */
  readonly catalog: Catalog;
  readonly keys: Pick<IdentityKeyStore, "readPublicKeys">;
  /** By how much clocks may differ. Default 30,000. Milliseconds. */
  readonly skewMs?: number;
  /** Default: a cache in this process. Instances that share the load need a store in common. */
  readonly replays?: ReplayStore;
  /** Told of refusals. Default: nobody. */
  readonly escalation?: EscalationPolicy;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  readonly clock?: Clock;
}

/** Unknown key names are looked for in the store at most this often per caller, however many come. Milliseconds. */
const REFRESH_MIN_MS = 10_000;
const HEADER_NAMES: ReadonlySet<string> = new Set(["alg", "kid", "typ"]);

/**
 * Checks the tokens that `ServiceIdentity` makes: who signed, for whom, when, for exactly this request, and for the first time; and that the catalog lets the caller call this service.
 */
export class RequestVerifier implements Verifier {
  readonly failures: IdentityFailures;
  readonly #options: RequestVerifierOptions;
  readonly #replays: ReplayStore;
  readonly #keys = new Map<string, SecretReader<readonly IdentityKey[]>>();
  /** By the key as it was read: gone when the keys are read anew. */
  readonly #importedKeys = new WeakMap<IdentityKey, KeyLike | Uint8Array>();

  constructor(options: RequestVerifierOptions) {
    this.#options = options;
    this.#replays = options.replays ?? new ReplayCache(options.now === undefined ? {} : { now: options.now });
    this.failures = new IdentityFailures(options.escalation);
  }

  /** @throws IdentityError with the reason; it is counted */
  async verifyRequest(request: IncomingRequest): Promise<Caller> {
    try {
      return await this.#verify(request);
    } catch (error) {
      const refusal = error instanceof IdentityError ? error : new IdentityError("IDENTITY_UNAVAILABLE", `the caller's identity cannot be checked: ${redact(messageOf(error))}`, { cause: error });
      this.failures.record(refusal, { operation: `${request.method} ${request.target.split("?")[0] ?? ""}`, request: singleHeader(request.headers["x-request-id"]) });
      throw refusal;
    }
  }

  async #verify(request: IncomingRequest): Promise<Caller> {
    const { catalog, service, now = Date.now, skewMs = 30_000 } = this.#options;
    const token = bearerToken(request.headers[IDENTITY_HEADER]);
    const kid = checkedHeader(token);
    const name = kid.slice(0, kid.lastIndexOf("."));
    const caller = catalog.services.find((candidate) => candidate.name === name);
    if (caller === undefined) throw new IdentityError("IDENTITY_UNKNOWN_CALLER", "the token is signed by nobody of the catalog");
    const payload = await this.#checkedPayload(token, kid, name);
    const { jti, exp, htm, htp, bh } = payload;
    const bound = typeof htm === "string" && typeof htp === "string" && typeof bh === "string" && htm === request.method.toUpperCase() && equalInConstantTime(htp, request.target);
    if (!bound) throw new IdentityError("IDENTITY_BINDING", `the token of ${name} was made for another method or path`, { caller: name });
    if (!caller.calls.includes(service)) throw new IdentityError("IDENTITY_FORBIDDEN", `${name} does not call ${service} by the catalog`, { caller: name, hint: `add ${service} to calls of ${name} in services.ts, if it should` });
    if (!equalInConstantTime(bh, bodyHash(await request.body()))) throw new IdentityError("IDENTITY_BINDING", `the token of ${name} was made for another body`, { caller: name });

    // The last, so that only requests which are right in everything else take room.
    const remembered = await this.#replays.remember(name, jti, exp * 1_000 + skewMs);
    if (remembered === "seen") throw new IdentityError("IDENTITY_REPLAY", `a token of ${name} came for the second time`, { caller: name, hint: "sign each attempt anew; if nobody retries, somebody repeats what they overheard" });
    if (remembered === "full") throw new IdentityError("IDENTITY_REPLAY_FULL", `${name} sends more requests than can be remembered`, { caller: name });
    if (exp * 1_000 + skewMs <= now()) throw new IdentityError("IDENTITY_EXPIRED", `the token of ${name} ran out while the body was read`, { caller: name });
    return { service: name, tokenId: jti, via: "bulkhead" };
  }

  async #checkedPayload(token: string, kid: string, caller: string): Promise<JWTPayload & { readonly jti: string; readonly exp: number }> {
    const { service, now = Date.now, skewMs = 30_000 } = this.#options;
    const nowMs = now();
    const key = await this.#imported(await this.#key(caller, kid, nowMs));
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [ALGORITHM],
        typ: TOKEN_TYPE,
        issuer: caller,
        audience: service,
        clockTolerance: skewMs / 1_000,
        maxTokenAge: TOKEN_LIFETIME_MS / 1_000,
        requiredClaims: ["iss", "aud", "iat", "exp", "jti", "htm", "htp", "bh"],
        currentDate: new Date(nowMs),
      });
      const { iat = 0, exp = 0, jti, aud } = payload;
      if (typeof aud !== "string") throw new IdentityError("IDENTITY_AUDIENCE", `the token of ${caller} is for several services`, { caller });
      if ((exp - iat) * 1_000 > TOKEN_LIFETIME_MS) throw new IdentityError("IDENTITY_CLOCK", `the token of ${caller} is good for too long`, { caller });
      if (typeof jti !== "string" || jti === "" || jti.length > 64) throw new IdentityError("IDENTITY_MALFORMED", `the token of ${caller} has no usable jti`, { caller });
      return { ...payload, jti, exp };
    } catch (error) {
      throw refusalOf(error, caller);
    }
  }

  async #imported(key: IdentityKey): Promise<KeyLike | Uint8Array> {
    const known = this.#importedKeys.get(key) ?? (await importJWK(key.publicJwk, ALGORITHM));
    this.#importedKeys.set(key, known);
    return known;
  }

  async #key(caller: string, kid: string, nowMs: number): Promise<IdentityKey> {
    let reader = this.#keys.get(caller);
    if (reader === undefined) {
      const { keys, clock } = this.#options;
      reader = new SecretReader(() => keys.readPublicKeys(caller), { ttlMs: KEYS_TTL_MS, refreshMinMs: REFRESH_MIN_MS, ...(clock === undefined ? {} : { clock }) });
      this.#keys.set(caller, reader);
    }
    const key = acceptedKeyAt(await reader.get(), kid, nowMs) ?? acceptedKeyAt(await reader.get({ refresh: true }), kid, nowMs);
    if (key === undefined) throw new IdentityError("IDENTITY_KEY", `${caller} has no such key, or not any more`, { caller });
    return key;
  }
}

/** The token behind `Bearer`; exactly one. */
export function bearerToken(header: string | string[] | undefined): string {
  if (typeof header !== "string") throw new IdentityError("IDENTITY_MISSING", header === undefined ? "the request carries no token" : "the request carries several tokens");
  const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]*)$/i.exec(header.slice(0, TOKEN_CHARS_MAX + 8))?.[1];
  if (token === undefined || header.length > TOKEN_CHARS_MAX + 7) throw new IdentityError("IDENTITY_MALFORMED", "the header holds no token");
  return token;
}

/** The key's name, of a header that says nothing but what it must: no embedded keys, no URLs to fetch them from, no extensions. */
function checkedHeader(token: string): string {
  let header: ProtectedHeaderParameters;
  try {
    header = decodeProtectedHeader(token);
  } catch {
    throw new IdentityError("IDENTITY_MALFORMED", "the token's header cannot be read");
  }
  if (header.alg !== ALGORITHM) throw new IdentityError("IDENTITY_ALGORITHM", `the token does not name the algorithm ${ALGORITHM}`);
  if (typeof header.kid !== "string" || header.typ !== TOKEN_TYPE || Object.keys(header).some((name) => !HEADER_NAMES.has(name))) throw new IdentityError("IDENTITY_MALFORMED", "the token's header is not that of a request's token");
  return header.kid;
}

/** What jose found wrong, in this library's words. What is no error of a token is passed on. */
export function refusalOf(error: unknown, caller: string | undefined): unknown {
  if (error instanceof errors.JWTExpired) return new IdentityError("IDENTITY_EXPIRED", `the token of ${caller ?? "the caller"} has run out`, { caller, cause: error });
  if (error instanceof errors.JWTClaimValidationFailed) {
    const code = error.claim === "aud" ? "IDENTITY_AUDIENCE" : ["iat", "nbf", "exp"].includes(error.claim) ? "IDENTITY_CLOCK" : "IDENTITY_MALFORMED";
    return new IdentityError(code, `the token of ${caller ?? "the caller"} has a wrong ${error.claim}`, { caller, cause: error });
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return new IdentityError("IDENTITY_SIGNATURE", `the signature is not that of ${caller ?? "the caller"}`, { caller, cause: error });
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) return new IdentityError("IDENTITY_ALGORITHM", "the token's algorithm is not allowed", { caller, cause: error });
  if (error instanceof errors.JWKSNoMatchingKey) return new IdentityError("IDENTITY_KEY", "the token is signed with an unknown key", { caller, cause: error });
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return new IdentityError("IDENTITY_MALFORMED", "the token cannot be read", { caller, cause: error });
  return error;
}

/** A header's only value. */
export function singleHeader(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

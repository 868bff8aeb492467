import { randomUUID } from "node:crypto";
import { SignJWT, importJWK } from "jose";
import type { JWTPayload, KeyLike } from "jose";
import { SecretReader } from "../config/secret-reader";
import { BulkheadError } from "../errors";
import type { Clock } from "../errors";
import type { IdentityKeyStore } from "./key-store";
import { ALGORITHM, KEYS_TTL_MS, signingKeyAt } from "./keys";
import type { IdentityKey } from "./keys";
import { IDENTITY_HEADER, TOKEN_LIFETIME_MS, TOKEN_TYPE, bodyHash, requestTarget } from "./request-token";
import type { RequestClaims } from "./request-token";

export interface ServiceIdentityOptions {
  /** The service that signs. */
  readonly service: string;
  readonly keys: Pick<IdentityKeyStore, "readSigningKeys">;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  readonly clock?: Clock;
}

/** A request that is about to be sent. */
export interface OutgoingRequest {
  /** The service it goes to, by its name in the catalog. */
  readonly to: string;
  /** Default `GET`. */
  readonly method?: string;
  /** The whole URL, or path and query. */
  readonly url: string | URL;
  /** The bytes that are sent, exactly. */
  readonly body?: string | Uint8Array;
}

/** Proves to other services who is calling. */
export class ServiceIdentity {
  readonly #options: ServiceIdentityOptions;
  readonly #keys: SecretReader<readonly IdentityKey[]>;
  /** The key in use, imported once. */
  #imported: { readonly kid: string; readonly key: KeyLike | Uint8Array } | undefined;

  constructor(options: ServiceIdentityOptions) {
    this.#options = options;
    this.#keys = new SecretReader(() => options.keys.readSigningKeys(options.service), { ttlMs: KEYS_TTL_MS, ...(options.clock === undefined ? {} : { clock: options.clock }) });
  }

  /**
   * The headers to send along: a token for this one request, good for a minute. Sign again for each attempt: a token is accepted once.
   *
   * @throws BulkheadError `IDENTITY_NO_KEY` where the service has no key that may sign
   */
  async signRequest({ to, method = "GET", url, body }: OutgoingRequest): Promise<Record<string, string>> {
    const { service, now = Date.now } = this.#options;
    const nowMs = now();
    const { kid, key } = await this.#signingKey(nowMs);
    const claims: RequestClaims = { htm: method.toUpperCase(), htp: requestTarget(url), bh: bodyHash(body) };
    const seconds = Math.floor(nowMs / 1_000);
    const token = await new SignJWT(claims as unknown as JWTPayload)
      .setProtectedHeader({ alg: ALGORITHM, kid, typ: TOKEN_TYPE })
      .setIssuer(service)
      .setAudience(to)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + TOKEN_LIFETIME_MS / 1_000)
      .setJti(randomUUID())
      .sign(key);
    return { [IDENTITY_HEADER]: `Bearer ${token}` };
  }

  async #signingKey(nowMs: number): Promise<{ readonly kid: string; readonly key: KeyLike | Uint8Array }> {
    const { service } = this.#options;
    const found = signingKeyAt(await this.#keys.get(), nowMs);
    if (found?.privateJwk === undefined) throw new BulkheadError("IDENTITY_NO_KEY", `${service} has no identity key that may sign`, { hint: `rotate the identity key of ${service}, which makes one` });
    if (this.#imported?.kid !== found.kid) this.#imported = { kid: found.kid, key: await importJWK(found.privateJwk, ALGORITHM) };
    return this.#imported;
  }
}

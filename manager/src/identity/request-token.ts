import { createHash, timingSafeEqual } from "node:crypto";

/** The header that carries a service's token; `authorization` is left to the end user's, and to Google's. */
export const IDENTITY_HEADER = "x-service-authorization";

/** The token's `typ`: tokens of another use, signed with the same key, are none (RFC 8725, 3.11). */
export const TOKEN_TYPE = "bulkhead-request+jwt";

/** How long a token is good. Milliseconds. */
export const TOKEN_LIFETIME_MS = 60_000;

/** Longer than any token of this library. */
export const TOKEN_CHARS_MAX = 4_096;

/** What a token is bound to beside its audience: it is good for one request only. */
export interface RequestClaims {
  /** Method. */
  readonly htm: string;
  /** Path and query as sent. */
  readonly htp: string;
  /** SHA-256 of the body, base64url. */
  readonly bh: string;
}

/** Path and query of a URL as `fetch` and `http.request` send them; a text that begins with `/` is taken as it stands. */
export function requestTarget(url: string | URL): string {
  if (typeof url === "string" && url.startsWith("/")) return url;
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}

export function bodyHash(body: string | Uint8Array | undefined): string {
  return createHash("sha256").update(body ?? "").digest("base64url");
}

/** Compares without telling by its time how much agrees. */
export function equalInConstantTime(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

import { randomBytes } from "node:crypto";
import { exportJWK, generateKeyPair } from "jose";
import type { JWK } from "jose";

/** The one algorithm; a token that names another is refused before any key is looked at. Ed25519 (RFC 8037). */
export const ALGORITHM = "EdDSA";

/** A key of one service: the private half stays with the service, the public half is for those whom it calls. */
export interface IdentityKey {
  /** `<service>.<16 hex digits>`. */
  readonly kid: string;
  /** From when on it signs. Milliseconds since 1970. */
  readonly signsFromMs: number;
  /** Until when its signatures are accepted; undefined: no end is set yet. Milliseconds since 1970. */
  readonly acceptedUntilMs?: number;
  readonly publicJwk: JWK;
  /** Only in the service's own secret. */
  readonly privateJwk?: JWK;
}

/** How long keys that were read from the store may be used before they are read again. Milliseconds. */
export const KEYS_TTL_MS = 300_000;
/** A new key is published for so long before it signs that every verifier has read it: twice the time to live. */
export const PUBLISH_AHEAD_MS = 2 * KEYS_TTL_MS;
/** An old key is accepted for so long after the new one signs: a signer with old keys, the longest token, clocks that differ. */
export const ACCEPT_AFTER_MS = 3 * KEYS_TTL_MS;

/** A new key pair, for a service's secret. */
export async function generateIdentityKey(service: string, signsFromMs: number): Promise<IdentityKey> {
  const { privateKey, publicKey } = await generateKeyPair(ALGORITHM, { crv: "Ed25519", extractable: true });
  return { kid: `${service}.${randomBytes(8).toString("hex")}`, signsFromMs, publicJwk: await exportJWK(publicKey), privateJwk: await exportJWK(privateKey) };
}

/** The moment from which a key that is added now may sign. */
export function nextSigningMs(keys: readonly IdentityKey[], nowMs: number): number {
  return keys.some(({ acceptedUntilMs }) => acceptedUntilMs === undefined || acceptedUntilMs > nowMs) ? nowMs + PUBLISH_AHEAD_MS : nowMs;
}

/** The keys after a rotation: the new one added, an end set for the others, those whose end has passed gone. */
export function rotatedKeys(keys: readonly IdentityKey[], added: IdentityKey, nowMs: number): IdentityKey[] {
  const kept = keys.filter(({ acceptedUntilMs }) => acceptedUntilMs === undefined || acceptedUntilMs > nowMs);
  const ended = kept.map((key) => ({ ...key, acceptedUntilMs: key.acceptedUntilMs ?? added.signsFromMs + ACCEPT_AFTER_MS }));
  return [...ended, added];
}

/** The key to sign with: the newest that may; of two rotations at the same moment the later, since the earlier has got its end. Where only future ones are left, none. */
export function signingKeyAt(keys: readonly IdentityKey[], nowMs: number): IdentityKey | undefined {
  return keys.filter(({ signsFromMs, privateJwk }) => signsFromMs <= nowMs && privateJwk !== undefined).sort((a, b) => a.signsFromMs - b.signsFromMs).at(-1);
}

/** The key to verify with; undefined where there is none of this name, or its time is over. */
export function acceptedKeyAt(keys: readonly IdentityKey[], kid: string, nowMs: number): IdentityKey | undefined {
  return keys.find((key) => key.kid === kid && (key.acceptedUntilMs === undefined || key.acceptedUntilMs > nowMs));
}

import { randomBytes, webcrypto } from "node:crypto";

/** What all certificates here are made with. */
export const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
export const SIGNING_ALGORITHM = { name: "ECDSA", hash: "SHA-256" };

/** When a certificate counts. */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export const DAY_MS = 86_400_000;

/** From a day early, for clocks that are behind. `now` in milliseconds since 1970. */
export function validity(now: number, days: number): Validity {
  return { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + days * DAY_MS) };
}

/** Loaded only when there is something to sign. The library needs the metadata polyfill before it. */
export function loadX509(): typeof import("@peculiar/x509") {
  /* eslint-disable @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() on demand */
  require("reflect-metadata");
  const x509 = require("@peculiar/x509") as typeof import("@peculiar/x509");
  /* eslint-enable @typescript-eslint/no-require-imports */
  // Node and the library each bring their own types for the same Web Crypto interface.
  x509.cryptoProvider.set(webcrypto as unknown as never);
  return x509;
}

export async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
}

/** PKCS #8, as PEM text. */
export async function pemOfKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${loadX509().PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

/** Positive, and 15 bytes at random, in hexadecimal. */
export function serialNumber(): string {
  return `40${randomBytes(15).toString("hex")}`;
}

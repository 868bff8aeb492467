import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from "node:crypto";

/** PEM texts of an authority. */
export interface Authority {
  readonly ca: string;
  readonly key: string;
}

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING_ALGORITHM = { name: "ECDSA", hash: "SHA-256" };

const DAY_MS = 86_400_000;
/** Clients hold the authority; they would have to learn of another one at the same moment as the server. */
const AUTHORITY_DAYS = 3650;
const SERVER_DAYS = 365;
/** An `up` in this time before the end makes a new one: a stack that is worked on sees one. */
const RENEW_DAYS = 60;

/** Makes an authority for the certificates of one server. */
export async function createAuthority(host: string, now: number): Promise<Authority> {
  const x509 = loadX509();
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=Authority of ${host}`.slice(0, 64),
    serialNumber: serialNumber(),
    ...validity(now, AUTHORITY_DAYS),
    signingAlgorithm: SIGNING_ALGORITHM,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true), await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)],
  });
  return { ca: `${certificate.toString("pem")}\n`, key: await pemOfKey(keys.privateKey) };
}

/** Makes a server's key and certificate for `host`: one PEM text of the key, the certificate and the authority's. */
export async function createServerPem(authority: Authority, host: string, now: number): Promise<string> {
  const x509 = loadX509();
  const signedBy = new x509.X509Certificate(authority.ca);
  const signingKey = await webcrypto.subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(authority.key), KEY_ALGORITHM, false, ["sign"]);
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    // The name that counts is below: a common name has 64 characters at most.
    subject: "CN=clickhouse",
    issuer: signedBy.subject,
    serialNumber: serialNumber(),
    ...validity(now, SERVER_DAYS),
    signingAlgorithm: SIGNING_ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: "dns", value: host }]),
      await x509.AuthorityKeyIdentifierExtension.create(signedBy.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return `${await pemOfKey(keys.privateKey)}${certificate.toString("pem")}\n${authority.ca}`;
}

/** Whether certificates can be signed with it that live out their time. */
export function isUsableAuthority({ ca, key }: Authority, now: number): boolean {
  try {
    const certificate = new X509Certificate(ca);
    return certificate.ca && certificate.checkPrivateKey(createPrivateKey(key)) && lasts(certificate, now, SERVER_DAYS + RENEW_DAYS);
  } catch {
    return false;
  }
}

/** Whether a server's PEM text is whole: of this authority, for this host, with its own key, and good for two months more. */
export function isUsableServerPem(pem: string, { ca }: Pick<Authority, "ca">, host: string, now: number): boolean {
  try {
    const certificate = new X509Certificate(pem.slice(pem.indexOf("-----BEGIN CERTIFICATE-----")));
    const isSigned = certificate.verify(new X509Certificate(ca).publicKey) && pem.endsWith(ca);
    return isSigned && certificate.checkPrivateKey(createPrivateKey(pem)) && certificate.checkHost(host) !== undefined && lasts(certificate, now, RENEW_DAYS);
  } catch {
    return false;
  }
}

function lasts({ validFrom, validTo }: X509Certificate, now: number, days: number): boolean {
  return Date.parse(validFrom) <= now && Date.parse(validTo) > now + days * DAY_MS;
}

/** From a day early, for clocks that are behind. */
function validity(now: number, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + days * DAY_MS) };
}

async function pemOfKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${loadX509().PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

/** Positive, and 15 bytes at random, in hexadecimal. */
function serialNumber(): string {
  return `40${randomBytes(15).toString("hex")}`;
}

/** Loaded only when there is something to sign. The library needs the metadata polyfill before it. */
function loadX509(): typeof import("@peculiar/x509") {
  /* eslint-disable @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() on demand */
  require("reflect-metadata");
  const x509 = require("@peculiar/x509") as typeof import("@peculiar/x509");
  /* eslint-enable @typescript-eslint/no-require-imports */
  // Node and the library each bring their own types for the same Web Crypto interface.
  x509.cryptoProvider.set(webcrypto as unknown as never);
  return x509;
}

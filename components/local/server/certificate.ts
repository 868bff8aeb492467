import { randomBytes, webcrypto } from "node:crypto";

/** What a local authority and its one server are made for. */
export interface CertificateRequest {
  /** Names by which clients reach the server. */
  readonly hostNames: readonly string[];
  /** IP addresses by which they do. */
  readonly addresses: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** PEM texts of an authority's certificate, of the server's that it signed, and of the server's key. */
export interface CertificatePair {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING_ALGORITHM = { name: "ECDSA", hash: "SHA-256" };

/** Makes an authority that signs one server certificate; its key is not kept. */
export async function createCertificatePair({ hostNames, addresses, notBefore, notAfter }: CertificateRequest): Promise<CertificatePair> {
  const x509 = loadX509();
  const authority = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
  const server = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
  const issuer = `CN=Bulkhead local authority ${randomBytes(4).toString("hex")}`;
  const shared = { notBefore, notAfter, signingAlgorithm: SIGNING_ALGORITHM };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...shared,
    name: issuer,
    serialNumber: serialNumber(),
    keys: authority,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  const certificate = await x509.X509CertificateGenerator.create({
    ...shared,
    subject: "CN=localhost",
    issuer,
    serialNumber: serialNumber(),
    publicKey: server.publicKey,
    signingKey: authority.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([...hostNames.map((value) => ({ type: "dns" as const, value })), ...addresses.map((value) => ({ type: "ip" as const, value }))]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(server.publicKey),
    ],
  });
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", server.privateKey), "PRIVATE KEY");
  return { ca: `${ca.toString("pem")}\n`, certificate: `${certificate.toString("pem")}\n`, key: `${key}\n` };
}

/** Loaded only when certificates are made, once in a tier's life. The library needs the metadata polyfill before it. */
function loadX509(): typeof import("@peculiar/x509") {
  /* eslint-disable @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() on demand */
  require("reflect-metadata");
  const x509 = require("@peculiar/x509") as typeof import("@peculiar/x509");
  /* eslint-enable @typescript-eslint/no-require-imports */
  // Node and the library each bring their own types for the same Web Crypto interface.
  x509.cryptoProvider.set(webcrypto as unknown as never);
  return x509;
}

/** Positive, and 15 bytes at random, in hexadecimal. */
function serialNumber(): string {
  return `40${randomBytes(15).toString("hex")}`;
}

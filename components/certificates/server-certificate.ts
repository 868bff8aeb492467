import { createPrivateKey, webcrypto, X509Certificate } from "node:crypto";

import { lasts } from "./authority";
import type { Authority } from "./authority";
import { generateKeys, KEY_ALGORITHM, loadX509, pemOfKey, serialNumber, SIGNING_ALGORITHM } from "./x509";
import type { Validity } from "./x509";

/** Under what a server is reached. */
export interface ServerNames {
  readonly hostNames: readonly string[];
  /** IP addresses. */
  readonly addresses: readonly string[];
}

/** PEM texts of a server. */
export interface ServerCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** Makes a server's key, and its certificate for these names and addresses. `subject`: its common name, which no client looks at; at most 64 characters. */
export async function createServerCertificate(authority: Authority, { subject, hostNames, addresses, notBefore, notAfter }: ServerNames & Validity & { readonly subject: string }): Promise<ServerCertificate> {
  const x509 = loadX509();
  const signedBy = new x509.X509Certificate(authority.ca);
  const signingKey = await webcrypto.subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(authority.key), KEY_ALGORITHM, false, ["sign"]);
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${subject}`,
    issuer: signedBy.subject,
    serialNumber: serialNumber(),
    notBefore,
    notAfter,
    signingAlgorithm: SIGNING_ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([...hostNames.map((value) => ({ type: "dns" as const, value })), ...addresses.map((value) => ({ type: "ip" as const, value }))]),
      await x509.AuthorityKeyIdentifierExtension.create(signedBy.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString("pem")}\n`, key: await pemOfKey(keys.privateKey) };
}

/** Whether a server's certificate is of this authority, for all these names, with its own key, and good for that many days more. `now` in milliseconds since 1970. */
export function isUsableServerCertificate({ ca, certificate, key }: ServerCertificate & { readonly ca: string }, { hostNames, addresses }: ServerNames, now: number, days: number): boolean {
  try {
    const [authority, server] = [new X509Certificate(ca), new X509Certificate(certificate)];
    const hasNames = hostNames.every((name) => server.checkHost(name) !== undefined) && addresses.every((address) => server.checkIP(address) !== undefined);
    return hasNames && [authority, server].every((one) => lasts(one, now, days)) && server.verify(authority.publicKey) && server.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

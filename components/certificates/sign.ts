import { webcrypto } from "node:crypto";

import type { Extension } from "@peculiar/x509";

import type { Authority } from "./authority";
import { generateKeys, KEY_ALGORITHM, loadX509, pemOfKey, serialNumber, SIGNING_ALGORITHM } from "./x509";
import type { Validity } from "./x509";

/** PEM texts of a certificate and its key. */
export interface SignedCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** What a certificate says. */
export interface CertificateRequest extends Validity {
  /** Common name, at most 64 characters. */
  readonly subject: string;
  /** Which end of a connection it is for. */
  readonly usage: "serverAuth" | "clientAuth";
  /** What it says beside that. */
  readonly extensions?: readonly Extension[];
}

/** Makes a key, and a certificate for it that the authority signs. */
export async function signCertificate(authority: Authority, { subject, usage, extensions = [], notBefore, notAfter }: CertificateRequest): Promise<SignedCertificate> {
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
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[usage]]),
      ...extensions,
      await x509.AuthorityKeyIdentifierExtension.create(signedBy.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString("pem")}\n`, key: await pemOfKey(keys.privateKey) };
}

import { createPrivateKey, X509Certificate } from "node:crypto";

import { DAY_MS, generateKeys, loadX509, pemOfKey, serialNumber, SIGNING_ALGORITHM } from "./x509";
import type { Validity } from "./x509";

/** PEM texts of an authority: its certificate, which clients trust, and the key that it signs with. */
export interface Authority {
  readonly ca: string;
  readonly key: string;
}

/** Makes an authority that signs server certificates, and no other authority. Of `commonName` the first 64 characters count, which is all that a common name may have. */
export async function createAuthority({ commonName, notBefore, notAfter }: Validity & { readonly commonName: string }): Promise<Authority> {
  const x509 = loadX509();
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName.slice(0, 64)}`,
    serialNumber: serialNumber(),
    notBefore,
    notAfter,
    signingAlgorithm: SIGNING_ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { ca: `${certificate.toString("pem")}\n`, key: await pemOfKey(keys.privateKey) };
}

/** Whether certificates can be signed with it for that many days more. `now` in milliseconds since 1970. */
export function isUsableAuthority({ ca, key }: Authority, now: number, days: number): boolean {
  try {
    const certificate = new X509Certificate(ca);
    return certificate.ca && certificate.checkPrivateKey(createPrivateKey(key)) && lasts(certificate, now, days);
  } catch {
    return false;
  }
}

/** Whether a certificate counts now, and will for that many days more. */
export function lasts({ validFrom, validTo }: X509Certificate, now: number, days: number): boolean {
  return Date.parse(validFrom) <= now && Date.parse(validTo) > now + days * DAY_MS;
}

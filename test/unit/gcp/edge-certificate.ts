import { webcrypto } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import "reflect-metadata";
import * as x509 from "@peculiar/x509";

export const DAY_MS = 86_400_000;

/** A certificate and its key in files of a folder of their own, as somebody would have them from an authority. */
export async function certificateFiles({
  domains,
  bits = 3072,
  days = 90,
  now = Date.now(),
  curve = false,
}: {
  readonly domains: readonly string[];
  readonly bits?: number;
  readonly days?: number;
  readonly now?: number;
  readonly curve?: boolean;
}): Promise<{ certificateFile: string; privateKeyFile: string; folder: string }> {
  const algorithm = curve
    ? { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }
    : { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: bits, publicExponent: new Uint8Array([1, 0, 1]) };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: `CN=${domains[0] ?? "nobody"}`,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + days * DAY_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension(domains.map((value) => ({ type: "dns", value })))],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-certificate-"));
  const certificateFile = join(folder, "backup.pem");
  const privateKeyFile = join(folder, "backup-key.pem");
  writeFileSync(certificateFile, certificate.toString("pem"));
  writeFileSync(privateKeyFile, `-----BEGIN PRIVATE KEY-----\n${key.replace(/(.{64})/g, "$1\n")}\n-----END PRIVATE KEY-----\n`, { mode: 0o600 });
  return { certificateFile, privateKeyFile, folder };
}

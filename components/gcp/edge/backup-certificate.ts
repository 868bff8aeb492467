import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";

import { BulkheadError } from "../../../manager/src/errors";

/** The second certificate, read and checked. */
export interface BackupCertificate {
  /** Certificate and chain, PEM. */
  readonly certificatePem: string;
  /** PEM. Never to be shown. */
  readonly privateKeyPem: string;
}

/** The managed certificate's key has 2048 bits; see `Certificates` for why this one must be longer. */
const KEY_BITS_MIN = 3072;

/** Below this, it would not outlive the alert that calls for it. */
const DAYS_LEFT_MIN = 14;

const DAY_MS = 86_400_000;

/**
 * Reads the backup certificate, and sees whether it could take over: it is for every host, its key belongs to it, it lasts, and its key is an RSA one of 3072 bits
 * or more.
 *
 * @param now milliseconds since 1970
 * @throws BulkheadError `BACKUP_CERTIFICATE_INVALID` naming everything that is wrong; never with a line of the key
 */
export function readBackupCertificate(files: { readonly certificateFile: string; readonly privateKeyFile: string }, domains: readonly string[], now: number): BackupCertificate {
  const problems: string[] = [];
  const attempt = <T>(what: string, action: () => T): T | undefined => {
    try {
      return action();
    } catch (error) {
      // Not the error's text: a parser's may hold a line of what it read.
      problems.push(`${what} (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`);
      return undefined;
    }
  };
  const certificatePem = attempt(`cannot read ${files.certificateFile}`, () => readFileSync(files.certificateFile, "utf8"));
  const privateKeyPem = attempt(`cannot read ${files.privateKeyFile}`, () => readFileSync(files.privateKeyFile, "utf8"));
  const certificate = certificatePem === undefined ? undefined : attempt(`${files.certificateFile} holds no certificate in PEM`, () => new X509Certificate(certificatePem));
  const key = privateKeyPem === undefined ? undefined : attempt(`${files.privateKeyFile} holds no private key in PEM without a passphrase`, () => createPrivateKey(privateKeyPem));
  if (certificate !== undefined) {
    problems.push(...certificateProblems(certificate, domains, now));
    if (key !== undefined && !certificate.checkPrivateKey(key)) problems.push(`the key in ${files.privateKeyFile} is another certificate's`);
  }
  if (problems.length > 0 || certificatePem === undefined || privateKeyPem === undefined) {
    throw new BulkheadError("BACKUP_CERTIFICATE_INVALID", `the backup certificate (bulkhead:edge.backupCertificate) cannot be used:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`, {
      hint: "order one for all of bulkhead:edge.domains from another authority than Google's, with an RSA key of 3072 or 4096 bits, and put both files in place; nothing was changed",
    });
  }
  return { certificatePem, privateKeyPem };
}

function certificateProblems(certificate: X509Certificate, domains: readonly string[], now: number): string[] {
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  const bits = asymmetricKeyDetails?.modulusLength ?? 0;
  const daysLeft = Math.floor((Date.parse(certificate.validTo) - now) / DAY_MS);
  return [
    ...domains.filter((domain) => certificate.checkHost(domain) === undefined).map((domain) => `it is not for ${domain}`),
    ...(asymmetricKeyType === "rsa" && bits >= KEY_BITS_MIN ? [] : [`its key is ${asymmetricKeyType === "rsa" ? `an RSA key of ${bits} bits` : `of the type ${asymmetricKeyType ?? "unknown"}`}, and the load balancer would serve it before the managed one`]),
    ...(Date.parse(certificate.validFrom) > now ? [`it is valid from ${certificate.validFrom} only`] : []),
    ...(daysLeft >= DAYS_LEFT_MIN ? [] : [daysLeft < 0 ? `it expired on ${certificate.validTo}` : `it expires in ${daysLeft} days, on ${certificate.validTo}`]),
  ];
}

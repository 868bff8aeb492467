import { randomBytes, webcrypto } from "node:crypto";

import { createAuthority } from "../../certificates/authority";
import type { Authority } from "../../certificates/authority";
import { createServerCertificate } from "../../certificates/server-certificate";
import { generateKeys, KEY_ALGORITHM, loadX509, pemOfKey, serialNumber, SIGNING_ALGORITHM, validity } from "../../certificates/x509";
import type { Validity } from "../../certificates/x509";
import { script } from "../write-config";

/** Name in the client's certificate; the server's map says which roles it may be. */
const CLIENT = "bulkhead-adopt";
/** An adoption takes minutes. */
const VALID_DAYS = 1;

/** What lets this process in, PEM texts. Nothing of it is ever written on this machine. */
export interface ClientKeys {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * The files of a maintenance container, and the one way in: a certificate of an authority that is made for this run and forgotten with it. So the
 * superuser needs no password, and no role has to be made.
 *
 * @param superusers names that the superuser may have
 */
export async function maintenanceFiles(superusers: readonly string[], now = Date.now()): Promise<{ readonly files: Readonly<Record<string, string>>; readonly client: ClientKeys }> {
  const period = validity(now, VALID_DAYS);
  const authority = await createAuthority({ commonName: `bulkhead adopt ${randomBytes(4).toString("hex")}`, ...period });
  const [server, client] = await Promise.all([createServerCertificate(authority, { subject: "localhost", hostNames: ["localhost"], addresses: ["127.0.0.1"], ...period }), createClientCertificate(authority, period)]);
  return {
    files: {
      "start.sh": script("adopt/start.sh"),
      "common.sh": script("scripts/common.sh"),
      "programs.sh": script("postgres/programs.sh"),
      "postgresql.conf": "log_destination = 'stderr'\nlogging_collector = off\nlog_min_error_statement = panic\nlog_statement = 'none'\nlc_messages = 'C'\nmax_connections = 50\nrestart_after_crash = off\n",
      "pg_hba.conf": `hostssl all ${superusers.map(quoted).join(",")} all cert map=adopt\n`,
      "pg_ident.conf": superusers.map((name) => `adopt ${CLIENT} ${quoted(name)}\n`).join(""),
      "ca.crt": authority.ca,
      "server.crt": server.certificate,
      "server.key": server.key,
    },
    client: { ca: authority.ca, cert: client.certificate, key: client.key },
  };
}

/** In quotes no name is a keyword. */
function quoted(name: string): string {
  return `"${name}"`;
}

async function createClientCertificate(authority: Authority, { notBefore, notAfter }: Validity): Promise<{ certificate: string; key: string }> {
  const x509 = loadX509();
  const signedBy = new x509.X509Certificate(authority.ca);
  const signingKey = await webcrypto.subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(authority.key), KEY_ALGORITHM, false, ["sign"]);
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${CLIENT}`,
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
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(signedBy.publicKey),
    ],
  });
  return { certificate: `${certificate.toString("pem")}\n`, key: await pemOfKey(keys.privateKey) };
}

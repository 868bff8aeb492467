import { X509Certificate, createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createCertificatePair } from "./certificate";
import type { ServerPaths } from "./paths";
import type { Owner } from "./write-file";
import { makeDirectory, writeFileAtomically } from "./write-file";

/** PEM texts of a stack. */
export interface TlsFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Names by which clients reach the server; `shared-postgres` is what it is called among containers. */
const HOST_NAMES = ["localhost", "shared-postgres"];
const ADDRESSES = ["127.0.0.1", "::1"];

const DAY_MS = 86_400_000;
const VALID_DAYS = 3650;
const RENEW_DAYS = 30;

/** Reads the stack's certificates: undefined where one is lost, does not fit the others, or runs out within 30 days. */
export function readTls(paths: ServerPaths, now = Date.now()): TlsFiles | undefined {
  try {
    const files = { ca: readFileSync(paths.ca, "utf8"), certificate: readFileSync(paths.serverCertificate, "utf8"), key: readFileSync(paths.serverKey, "utf8") };
    return isUsable(files, now) ? files : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads the stack's certificates or makes new ones. The authority signs one server certificate and its key is thrown away at once: what
 * is not kept cannot be stolen to pose as another server, and both run out together anyway. New certificates therefore mean a new `ca.crt`.
 */
export async function ensureTls(paths: ServerPaths, owner: Owner | undefined, progress: (line: string) => void): Promise<TlsFiles> {
  const present = readTls(paths);
  if (present !== undefined) return present;
  progress("making a certificate authority and a server certificate");
  const files = await createTls();
  // Open to others, for services that run as another user: of the files inside only the key is closed.
  makeDirectory(paths.tls, { mode: 0o755, owner });
  writeFileAtomically(paths.serverKey, files.key, { mode: 0o600, owner });
  writeFileAtomically(paths.serverCertificate, files.certificate, { mode: 0o644, owner });
  writeFileAtomically(paths.ca, files.ca, { mode: 0o644, owner });
  return files;
}

/** Copies certificate and key to where the server reads them, belonging to it. */
export function installTls(dataDirectory: string, { certificate, key }: TlsFiles, owner: Owner | undefined): void {
  writeFileAtomically(join(dataDirectory, "server.key"), key, { mode: 0o600, owner });
  writeFileAtomically(join(dataDirectory, "server.crt"), certificate, { mode: 0o600, owner });
}

/** Makes an authority and a server certificate for loopback. */
export function createTls(now = Date.now()): Promise<TlsFiles> {
  return createCertificatePair({
    hostNames: HOST_NAMES,
    addresses: ADDRESSES,
    // A day early, for clocks that are behind.
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + VALID_DAYS * DAY_MS),
  });
}

function isUsable({ ca, certificate, key }: TlsFiles, now: number): boolean {
  const authority = new X509Certificate(ca);
  const server = new X509Certificate(certificate);
  const lasts = [authority, server].every(({ validFrom, validTo }) => Date.parse(validFrom) <= now && Date.parse(validTo) > now + RENEW_DAYS * DAY_MS);
  const names = HOST_NAMES.every((name) => server.checkHost(name) !== undefined) && ADDRESSES.every((address) => server.checkIP(address) !== undefined);
  return lasts && names && server.verify(authority.publicKey) && server.checkPrivateKey(createPrivateKey(key));
}

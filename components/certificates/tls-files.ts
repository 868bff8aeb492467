import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { makeDirectory, writeFileAtomically } from "../write-file";
import type { Owner } from "../write-file";
import { createAuthority } from "./authority";
import { createServerCertificate, isUsableServerCertificate } from "./server-certificate";
import type { ServerNames } from "./server-certificate";
import { validity } from "./x509";
import type { Validity } from "./x509";

/** PEM texts of a stack on this machine: authority, server certificate and key. */
export interface TlsFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

const VALID_DAYS = 3650;
const RENEW_DAYS = 30;

/** Where each of the three is in a stack's folder of certificates. */
export function tlsPaths(directory: string): { readonly ca: string; readonly certificate: string; readonly key: string } {
  return { ca: join(directory, "ca.crt"), certificate: join(directory, "server.crt"), key: join(directory, "server.key") };
}

/** Reads a folder's certificates: undefined where one is lost, does not fit the others or the names, or runs out within 30 days. `now` in milliseconds since 1970. */
export function readTls(directory: string, names: ServerNames, now = Date.now()): TlsFiles | undefined {
  const paths = tlsPaths(directory);
  try {
    const files = { ca: readFileSync(paths.ca, "utf8"), certificate: readFileSync(paths.certificate, "utf8"), key: readFileSync(paths.key, "utf8") };
    return isUsableServerCertificate(files, names, now, RENEW_DAYS) ? files : undefined;
  } catch {
    return undefined;
  }
}

/** What `ensureTls` is told. */
export interface EnsureTlsOptions extends ServerNames {
  /** Folder of `ca.crt`, `server.crt` and `server.key`. Made where it is missing. */
  readonly directory: string;
  /** To whom the files belong. Default: whoever runs this. */
  readonly owner?: Owner | undefined;
  readonly progress: (line: string) => void;
}

/**
 * Reads a folder's certificates or makes new ones, for ten years. The authority signs one server certificate and its key is thrown away at once:
 * what is not kept cannot be stolen to pose as another server, and both run out together anyway. New certificates therefore mean a new `ca.crt`.
 * Two at once are the caller's to keep apart.
 */
export async function ensureTls({ directory, hostNames, addresses, owner, progress }: EnsureTlsOptions): Promise<TlsFiles> {
  const names = { hostNames, addresses };
  const present = readTls(directory, names);
  if (present !== undefined) return present;
  progress("making a certificate authority and a server certificate");
  const files = await createTls(names);
  const paths = tlsPaths(directory);
  // Open to others, for services that run as another user: of the files inside only the key is closed.
  makeDirectory(directory, { mode: 0o755, owner });
  writeFileAtomically(paths.key, files.key, { mode: 0o600, owner });
  writeFileAtomically(paths.certificate, files.certificate, { mode: 0o644, owner });
  writeFileAtomically(paths.ca, files.ca, { mode: 0o644, owner });
  return files;
}

/** Makes an authority that is not kept, and the one server certificate that it signs. */
export async function createTls(names: ServerNames, valid: Validity = validity(Date.now(), VALID_DAYS)): Promise<TlsFiles> {
  const authority = await createAuthority({ commonName: `Bulkhead local authority ${randomBytes(4).toString("hex")}`, ...valid });
  return { ca: authority.ca, ...(await createServerCertificate(authority, { subject: "localhost", ...names, ...valid })) };
}

import { createPrivateKey, X509Certificate } from "node:crypto";

import { lasts } from "./authority";
import type { Authority } from "./authority";
import { signCertificate } from "./sign";
import type { SignedCertificate } from "./sign";
import { loadX509 } from "./x509";
import type { Validity } from "./x509";

/** Under what a server is reached. */
export interface ServerNames {
  readonly hostNames: readonly string[];
  /** IP addresses. */
  readonly addresses: readonly string[];
}

/** PEM texts of a server. */
export type ServerCertificate = SignedCertificate;

/** Makes a server's key, and its certificate for these names and addresses. `subject`: its common name, which no client looks at; at most 64 characters. */
export function createServerCertificate(authority: Authority, { subject, hostNames, addresses, ...validity }: ServerNames & Validity & { readonly subject: string }): Promise<ServerCertificate> {
  const { SubjectAlternativeNameExtension } = loadX509();
  const names = new SubjectAlternativeNameExtension([...hostNames.map((value) => ({ type: "dns" as const, value })), ...addresses.map((value) => ({ type: "ip" as const, value }))]);
  return signCertificate(authority, { subject, usage: "serverAuth", extensions: [names], ...validity });
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

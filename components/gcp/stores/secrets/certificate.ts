import { createAuthority as createAuthorityFor, isUsableAuthority as isUsableAuthorityFor } from "../../../certificates/authority";
import type { Authority } from "../../../certificates/authority";
import { createServerCertificate, isUsableServerCertificate } from "../../../certificates/server-certificate";
import { validity } from "../../../certificates/x509";

export type { Authority };

/** Clients hold the authority; they would have to learn of another one at the same moment as the server. */
const AUTHORITY_DAYS = 3650;
const SERVER_DAYS = 365;
/** An `up` in this time before the end makes a new one: a stack that is worked on sees one. */
const RENEW_DAYS = 60;

const CERTIFICATE = "-----BEGIN CERTIFICATE-----";

/** Makes an authority for the certificates of one server. */
export function createAuthority(host: string, now: number): Promise<Authority> {
  return createAuthorityFor({ commonName: `Authority of ${host}`, ...validity(now, AUTHORITY_DAYS) });
}

/** Whether certificates can be signed with it that live out their time. */
export function isUsableAuthority(authority: Authority, now: number): boolean {
  return isUsableAuthorityFor(authority, now, SERVER_DAYS + RENEW_DAYS);
}

/** Makes a server's key and certificate for `host`: one PEM text of the key, the certificate and the authority's. */
export async function createServerPem(authority: Authority, host: string, now: number): Promise<string> {
  const { key, certificate } = await createServerCertificate(authority, { subject: "clickhouse", hostNames: [host], addresses: [], ...validity(now, SERVER_DAYS) });
  return `${key}${certificate}${authority.ca}`;
}

/** Whether a server's PEM text is whole: of this authority, for this host, with its own key, and good for two months more. */
export function isUsableServerPem(pem: string, { ca }: Pick<Authority, "ca">, host: string, now: number): boolean {
  if (!pem.includes(CERTIFICATE)) return false;
  const certificate = pem.slice(pem.indexOf(CERTIFICATE));
  return pem.endsWith(ca) && isUsableServerCertificate({ ca, certificate, key: pem }, { hostNames: [host], addresses: [] }, now, RENEW_DAYS);
}

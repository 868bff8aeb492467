import { randomBytes } from "node:crypto";

import { createAuthority } from "../../certificates/authority";
import { createServerCertificate } from "../../certificates/server-certificate";
import { signCertificate } from "../../certificates/sign";
import { validity } from "../../certificates/x509";
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
  const [server, client] = await Promise.all([createServerCertificate(authority, { subject: "localhost", hostNames: ["localhost"], addresses: ["127.0.0.1"], ...period }), signCertificate(authority, { subject: CLIENT, usage: "clientAuth", ...period })]);
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
